"""Words of security bulletins that name nothing in particular."""

from __future__ import annotations

from typing import Final


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text that lists them."""
    return frozenset(text.split())


COMMON_CAPITALS: Final = word_set(
    "i january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday utc api sql http https tls ssl ssh dns ip tcp udp url html xml "
    "json csv cve cwe id os cpu vpn mfa it pii finding findings severity"
)
"""Words that may have capitals and are no names."""

PLAIN: Final = word_set(
    "percent percentage "
    "source sources certain certainty sure tells says states names about above after again against also among "
    "another because been before being below between both could does during each either even every first from "
    "further gravest have having here highest however into itself last least less like made make many more most "
    "much next none only other others over rather same second shown shows since some such than that their them "
    "then there therefore these they third this those through thus under until upon very were what when where "
    "whether which while with within without would will finding findings severity severe confidence critical "
    "high medium rated rating evidence report reported reports discovered investigation issue issues concern "
    "concerns concerned detected observed found indicates indicate suggests suggest identified affected affects "
    "several following overall known unknown remains remain clear unclear total number host hosts file files "
    "account accounts node nodes named name places place system systems remaining additional additionally "
    "including includes include"
)
"""Words that say nothing of their own, or that speak of findings as such."""

ORDINARY: Final = PLAIN | word_set(
    # what connects
    "a an the and or but nor so if as at by for in of off on onto out to up via per yet it its he she his her "
    "who whom whose how why all any few one no not is are was were be has had do did can may might must shall "
    "should too now once twice just still already almost always never often seldom soon later earlier ago "
    "beyond beside besides behind across along around near nearly inside outside toward towards despite "
    "although though unless whereas whereby wherever everyone everything everybody anyone anything anybody "
    "someone something somebody nobody nothing else elsewhere anywhere everywhere somewhere nowhere together "
    "apart instead otherwise hence meanwhile moreover furthermore according given due regarding concerning "
    "based using running executing reading writing allowing being having storing sending calling opening "
    "loading creating taking giving making getting handling passing starting "
    # what things do
    "run runs ran read reads write writes wrote open opens close sent send sends took take takes came come "
    "comes went go goes got get gets give gives gave hold holds held keep keeps kept left leave leaves let lets "
    "put puts set sets show showed begin began begun made use uses used call calls called allow allows lead "
    "leads led mean means meant need needs become became becomes exist exists appear appears seem seems stand "
    "stands contain contains carry bring lie lies lay rest rests point points name concern involve affect cover "
    "relate belong "
    # what they are
    "new old same single whole entire full empty open public private internal external local remote main sole "
    "own different similar various multiple numerous common general specific particular possible potential "
    "likely actual real current recent former latter early late long short large small great big grave graver "
    "worst worse best better good bad weak strong plain clear raw default direct indirect low high malicious "
    "suspicious unusual unexpected sensitive unsafe insecure vulnerable untrusted trusted hostile foreign "
    "privileged administrative corporate shared infected compromised hard easy deep wide narrow broad "
    # what there is in every bulletin
    "access activity action actions administrator admin application applications attack attacks attacker "
    "attackers adversary adversaries intruder intruders operator operators authentication authority author "
    "authors behalf browser case cases cause causes chance client clients code command commands communication "
    "computer computers condition config configuration connection connections consequence content context "
    "control credential credentials data database date day days default degree demand dependency detail details "
    "detection device devices directory disk domain effect email end endpoint endpoints entry environment error "
    "event events example execution exploit exposure fact facts field firewall flaw folder form function "
    "functions group groups hash hour hours identity impact incident information input inputs instance "
    "integrity interface internet kernel key keys kind knowledge language laptop level library line lines link "
    "list location locations log login logs loss machine machines mail manner means mechanism memory message "
    "messages method minute minutes mode module moment month name network networks object operation order "
    "origin output owner package part parts password passwords path pattern people permission permissions "
    "person place point port ports position possession practice presence principle privilege privileges problem "
    "problems process processes product production program programs protocol purpose question range reason "
    "record records remote request requests response result results right rights risk risks role root rule "
    "rules runtime scan scanner scope script scripts secret secrets section security sequence server servers "
    "service services session share shares shell side sign signature site software someone sort source staff "
    "stage standard start startup state statement step steps storage string strings subject success succession "
    "support suspicion target task team term terms test tests text theory thing things third-party threat time "
    "times token tokens tool tools traffic turn type types unauthorised unauthorized use user users value "
    "values variable variables vendor version versions view violation vulnerability way ways weakness "
    "weaknesses week weeks word words work workstation world year years disclosure doubt hand hands half "
    "plaintext cleartext sight reach addition particular public full short clear general whom beginning finance "
    "sales"
)
"""Words that may stand where a name could."""

HYPHENATED_FIRST: Final = word_set(
    "non pre post re self multi cross co anti sub semi well so third high low medium critical long short full "
    "part half hard soft single double two three one old new ill best least most last first second real open "
    "near over under never ever read write built sign log opt set add follow back by up on off in out left "
    "right cyber e user"
)
"""First parts of hyphenated words that are no names: ``non-standard``, ``well-known``."""

HYPHENATED_LAST: Final = word_set(
    "based related specific wide level style like side in ins out up off down on only free known called so "
    "facing driven term severity risk party line time confidence rated end aware grade scale hand quality "
    "making taking sharing using running bearing threatening reaching parties to be middle box through over by "
    "depth case way date"
)
"""Last parts of hyphenated words that are no names: ``web-based``, ``internet-facing``."""
