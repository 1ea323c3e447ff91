# What each function may do: the calls that its code makes (chalicelib/stores), on the very
# tables, indexes, queues and prefixes that it makes them on. A call that is added there is
# added here; tests/e2e_localstack/test_permissions.py compares the two.

locals {
  reports_table = aws_dynamodb_table.table["reports"].arn
  access_table  = aws_dynamodb_table.table["access"].arn
  documents     = "${aws_s3_bucket.bucket["artifacts"].arn}/reports/*"
  all_queues    = [for queue in aws_sqs_queue.queue : queue.arn]
  all_dead      = [for queue in aws_sqs_queue.dead : queue.arn]

  investigations_table = aws_dynamodb_table.table["investigations"].arn
  # Texts of very large findings, and reports of investigations with their renderings.
  evidence   = "${aws_s3_bucket.bucket["artifacts"].arn}/evidence/*"
  narratives = "${aws_s3_bucket.bucket["artifacts"].arn}/investigations/*"
  uploads    = "${aws_s3_bucket.bucket["artifacts"].arn}/uploads/*"

  webhooks_table = aws_dynamodb_table.table["webhooks"].arn
  webhooks_key   = aws_kms_key.key["webhooks"].arn
  # Private values of reports that are being written, and the key that wraps the keys they are sealed with.
  vault_table = aws_dynamodb_table.table["vault"].arn
  vault_key   = aws_kms_key.key["vault"].arn

  knowledge_table = aws_dynamodb_table.table["knowledge"].arn
  knowledge_queue = aws_sqs_queue.knowledge["knowledge"].arn
  # Documents of honey jars, and the indexes made of them.
  jars         = "${aws_s3_bucket.bucket["artifacts"].arn}/knowledge/*"
  jar_uploads  = "${trimsuffix(local.uploads, "*")}knowledge/*"
  jar_prefixes = ["knowledge/*", "uploads/knowledge/*"]

  embeddings_keys = compact([var.embeddings_api_key_parameter])

  webhooks_queue = aws_sqs_queue.webhooks["webhooks"].arn

  # What Lambda itself calls with a function's role to read a queue for it.
  read_queue = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]

  model_keys = compact([var.llm_api_key_parameter, var.llm_fallback_api_key_parameter, var.embeddings_api_key_parameter])

  # Nobody may change or delete what is in it: every right to it is to put or to query.
  audit_table = aws_dynamodb_table.table["audit"].arn

  # Denied requests are counted under one key of the access table until the sweep makes entries of them.
  denials_keys = ["DENIALS"]

  # Keys of the access table: of the windows of limits; of API keys, by the hash of their secret and by their owner.
  limits_keys   = ["L#*"]
  api_keys_keys = ["K#*", "O#*"]

  # The key of the item of counters there.
  figures_keys = ["FIGURES"]

  policies = merge(
    {
      api          = data.aws_iam_policy_document.api.json
      download     = data.aws_iam_policy_document.download.json
      dead_letters = data.aws_iam_policy_document.dead_letters.json
      sweep        = data.aws_iam_policy_document.sweep.json
      deliver      = data.aws_iam_policy_document.deliver.json
      knowledge    = data.aws_iam_policy_document.knowledge.json
      index        = data.aws_iam_policy_document.index.json
    },
    { for handler, document in data.aws_iam_policy_document.generator : handler => document.json },
  )
}

# What it takes to record what is done, and to count what is denied.
data "aws_iam_policy_document" "is_audited" {
  statement {
    sid       = "RecordWhatIsDone"
    actions   = ["dynamodb:PutItem"]
    resources = [local.audit_table]
  }

  statement {
    sid       = "CountWhatIsDenied"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.denials_keys
    }
  }
}

# What it takes to count requests against limits, and to take that back.
data "aws_iam_policy_document" "is_limited" {
  statement {
    sid       = "CountAgainstLimits"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = local.limits_keys
    }
  }
}

data "aws_iam_policy_document" "api" {
  source_policy_documents = [
    data.aws_iam_policy_document.is_audited.json,
    data.aws_iam_policy_document.announces.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "KeepSubscriptionsAndTheirLog"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [local.webhooks_table]
  }

  statement {
    # Who seals a secret cannot open it.
    sid       = "SealSecrets"
    actions   = ["kms:Encrypt"]
    resources = [local.webhooks_key]
  }

  statement {
    sid       = "ReadTheAudit"
    actions   = ["dynamodb:Query"]
    resources = [local.audit_table, "${local.audit_table}/index/everybody"]
  }

  statement {
    sid       = "CreateReadAndChangeReports"
    actions   = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"]
    resources = [local.reports_table]
  }

  statement {
    # Who cancels a report destroys what its worker kept, and can read none of it.
    sid       = "DestroyVaultsOfWhatIsCancelled"
    actions   = ["dynamodb:DeleteItem"]
    resources = [local.vault_table]
  }

  statement {
    sid     = "ListAndSearchReportsAndFindTheirPlace"
    actions = ["dynamodb:Query"]
    resources = [
      for index in ["by_owner", "by_owner_status", "by_owner_text", "waiting"] : "${local.reports_table}/index/${index}"
    ]
  }

  statement {
    sid       = "LookWhetherAReportMayBeOrderedOnAHoneyJar"
    actions   = ["dynamodb:GetItem"]
    resources = [local.knowledge_table]
  }

  statement {
    # Heads and findings: a batch of findings is written 25 items a call, and the versions of a report are queried.
    sid = "StartInvestigationsAndTakeInFindings"
    actions = [
      "dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem",
      "dynamodb:BatchWriteItem", "dynamodb:Query",
    ]
    resources = [local.investigations_table]
  }

  statement {
    sid     = "ListInvestigationsAndFindings"
    actions = ["dynamodb:Query"]
    resources = [
      for index in ["by_account", "by_narrow", "by_investigation"] : "${local.investigations_table}/index/${index}"
    ]
  }

  statement {
    sid       = "KeepTextsOfLargeFindings"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = [local.evidence]
  }

  statement {
    # Files to import findings from. A presigned link carries the rights of the role that signed it.
    sid       = "TakeUploads"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = [local.uploads]
  }

  statement {
    sid     = "ManageApiKeys"
    actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    # One transaction changes a key by its hash and by its owner, and the version of the owner's list.
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = local.api_keys_keys
    }
  }

  statement {
    sid       = "ListApiKeysAndTheirUsage"
    actions   = ["dynamodb:Query"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = concat(local.api_keys_keys, local.limits_keys)
    }
  }

  statement {
    sid       = "ReadKeysAndFigures"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem"]
    resources = [local.access_table]
  }

  statement {
    sid       = "Count"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.figures_keys
    }
  }

  statement {
    sid       = "SendPermits"
    actions   = ["sqs:SendMessage"]
    resources = local.all_queues
  }
}

# Who changes what others are told of: the record keeps the event, and a message says so. That is the routes and the
# generators, and also the dead letters and the sweep, which end reports that their workers gave up; the sweep sends
# lost messages again besides.
data "aws_iam_policy_document" "announces" {
  statement {
    sid       = "SeeWhetherAnybodyIsTold"
    actions   = ["dynamodb:Query"]
    resources = [local.webhooks_table]
  }

  statement {
    sid       = "AnnounceEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.webhooks_queue]
  }
}

data "aws_iam_policy_document" "deliver" {
  statement {
    sid       = "ReceiveEventsAndAttempts"
    actions   = local.read_queue
    resources = [local.webhooks_queue]
  }

  statement {
    sid       = "QueueAttempts"
    actions   = ["sqs:SendMessage"]
    resources = [local.webhooks_queue]
  }

  statement {
    sid       = "TakeEventsOutOfRecords"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [local.reports_table, local.investigations_table]
  }

  statement {
    sid       = "ReadFindingsThatCameIn"
    actions   = ["dynamodb:Query"]
    resources = [local.investigations_table]
  }

  statement {
    sid       = "KeepDeliveries"
    actions   = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [local.webhooks_table]
  }

  statement {
    sid       = "Sign"
    actions   = ["kms:Decrypt"]
    resources = [local.webhooks_key]
  }

  statement {
    # A presigned link carries the rights of the role that signed it.
    sid       = "HandOutDocuments"
    actions   = ["s3:GetObject"]
    resources = [local.documents]
  }

  statement {
    sid       = "RecordWhatIsHandedOut"
    actions   = ["dynamodb:PutItem"]
    resources = [local.audit_table]
  }
}

data "aws_iam_policy_document" "download" {
  source_policy_documents = [
    data.aws_iam_policy_document.is_audited.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "ReadReportsAndKeys"
    actions   = ["dynamodb:GetItem"]
    resources = [local.reports_table, local.investigations_table, local.access_table]
  }

  statement {
    # A presigned link carries the rights of the role that signed it.
    sid       = "HandOutDocuments"
    actions   = ["s3:GetObject"]
    resources = [local.documents, local.narratives]
  }

  statement {
    sid       = "KeepWhatWasRendered"
    actions   = ["s3:PutObject"]
    resources = [local.documents, local.narratives]
  }
}

# The routes of honey jars.
data "aws_iam_policy_document" "knowledge" {
  source_policy_documents = [
    data.aws_iam_policy_document.is_audited.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "ReadKeys"
    actions   = ["dynamodb:GetItem"]
    resources = [local.access_table]
  }

  statement {
    # Jars, their documents and the shelves they stand on: changed in transactions.
    sid = "KeepHoneyJars"
    actions = [
      "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
    ]
    resources = [local.knowledge_table]
  }

  statement {
    # A presigned link carries the rights of the role that signed it.
    sid       = "TakeDocuments"
    actions   = ["s3:PutObject", "s3:GetObject"]
    resources = [local.jar_uploads]
  }

  statement {
    sid       = "SearchIndexes"
    actions   = ["s3:GetObject"]
    resources = [local.jars]
  }

  statement {
    sid       = "HaveDocumentsReadAndDeleted"
    actions   = ["sqs:SendMessage"]
    resources = [local.knowledge_queue]
  }

  dynamic "statement" {
    for_each = length(local.embeddings_keys) == 0 ? [] : [local.embeddings_keys]

    content {
      sid     = "ReadTheKeyOfTheEmbeddings"
      actions = ["ssm:GetParameter"]
      resources = [
        for name in statement.value : "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter/${trimprefix(name, "/")}"
      ]
    }
  }
}

# What reads documents, indexes them, and deletes them for good.
data "aws_iam_policy_document" "index" {
  statement {
    sid       = "ReceiveWork"
    actions   = local.read_queue
    resources = [local.knowledge_queue]
  }

  statement {
    sid       = "PutWorkOff"
    actions   = ["sqs:SendMessage"]
    resources = [local.knowledge_queue]
  }

  statement {
    sid = "ClaimDocumentsAndChangeIndexes"
    actions = [
      "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
      "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem",
    ]
    resources = [local.knowledge_table]
  }

  statement {
    sid       = "TakeUploads"
    actions   = ["s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = [local.jar_uploads]
  }

  statement {
    sid = "KeepDocumentsAndIndexes"
    # Without the versions a deletion would only hide the text.
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = [local.jars]
  }

  statement {
    sid       = "FindEveryVersion"
    actions   = ["s3:ListBucketVersions"]
    resources = [aws_s3_bucket.bucket["artifacts"].arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = local.jar_prefixes
    }
  }

  dynamic "statement" {
    for_each = length(local.embeddings_keys) == 0 ? [] : [local.embeddings_keys]

    content {
      sid     = "ReadTheKeyOfTheEmbeddings"
      actions = ["ssm:GetParameter"]
      resources = [
        for name in statement.value : "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter/${trimprefix(name, "/")}"
      ]
    }
  }
}

# What it takes to write an investigation's report: whoever ends its job without a model writes it, too.
data "aws_iam_policy_document" "writes_narratives" {
  statement {
    sid = "ReadEvidenceAndStoreVersions"
    actions = [
      "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:PutItem",
    ]
    resources = [local.investigations_table]
  }

  statement {
    sid       = "SelectStoredFindings"
    actions   = ["dynamodb:Query"]
    resources = ["${local.investigations_table}/index/by_account"]
  }

  statement {
    sid       = "ReadTextsOfLargeFindings"
    actions   = ["s3:GetObject"]
    resources = [local.evidence]
  }

  statement {
    sid       = "DestroyTheVaultOfWhatIsWritten"
    actions   = ["dynamodb:DeleteItem"]
    resources = [local.vault_table]
  }

  statement {
    sid       = "StoreReportsOfInvestigations"
    actions   = ["s3:PutObject"]
    resources = [local.narratives]
  }
}

data "aws_iam_policy_document" "generator" {
  for_each = local.generators

  source_policy_documents = [
    data.aws_iam_policy_document.writes_narratives.json,
    data.aws_iam_policy_document.announces.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "ReceivePermits"
    actions   = local.read_queue
    resources = [aws_sqs_queue.queue[each.value.queue].arn]
  }

  statement {
    sid       = "ReadTheVersionBeforeForWhatHasChanged"
    actions   = ["s3:GetObject"]
    resources = [local.narratives]
  }

  statement {
    sid       = "LookWhoMayReadAHoneyJar"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [local.knowledge_table]
  }

  statement {
    sid       = "FindWhatReportsAreWrittenFrom"
    actions   = ["s3:GetObject"]
    resources = [local.jars]
  }

  statement {
    sid       = "KeepAndDestroyVaults"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"]
    resources = [local.vault_table]
  }

  statement {
    # Each key is bound to one report and its owner: with any other context KMS does not unwrap it.
    sid       = "MakeAndUnwrapTheKeysOfVaults"
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [local.vault_key]
  }

  statement {
    sid       = "HandOnWhatTakesTooLong"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.queue[each.value.queue].arn]
  }

  statement {
    sid       = "FindTheReportThatHasWaitedLongest"
    actions   = ["dynamodb:Query"]
    resources = ["${local.reports_table}/index/waiting"]
  }

  statement {
    sid       = "ReadTheConversationSoFar"
    actions   = ["dynamodb:Query"]
    resources = ["${local.reports_table}/index/by_conversation"]
  }

  statement {
    # Checkpoints are items beside the report's own: put, queried, and deleted as a batch.
    sid = "ClaimReportsAndKeepCheckpoints"
    actions = [
      "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchWriteItem",
    ]
    resources = [local.reports_table]
  }

  statement {
    sid       = "Count"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.figures_keys
    }
  }

  statement {
    sid = "StoreDocumentsAndClearUp"
    # Without the versions a deletion would only hide the text.
    actions   = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = [local.documents]
  }

  statement {
    sid       = "FindFilesOfEarlierAttempts"
    actions   = ["s3:ListBucketVersions"]
    resources = [aws_s3_bucket.bucket["artifacts"].arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["reports/*"]
    }
  }

  dynamic "statement" {
    for_each = length(local.model_keys) == 0 ? [] : [local.model_keys]

    content {
      # The account's own SSM key lets every reader of the parameters decrypt them.
      sid     = "ReadTheModelsKeys"
      actions = ["ssm:GetParameter"]
      resources = [
        for name in statement.value : "arn:${local.partition}:ssm:${local.region}:${local.account_id}:parameter/${trimprefix(name, "/")}"
      ]
    }
  }
}

data "aws_iam_policy_document" "dead_letters" {
  source_policy_documents = [
    data.aws_iam_policy_document.writes_narratives.json,
    data.aws_iam_policy_document.announces.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "ReceiveDeadPermits"
    actions   = local.read_queue
    resources = local.all_dead
  }

  statement {
    sid       = "MoveReportsOn"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [local.reports_table]
  }

  statement {
    sid       = "Count"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.figures_keys
    }
  }

  statement {
    sid       = "SendPermitsAgain"
    actions   = ["sqs:SendMessage"]
    resources = local.all_queues
  }
}

data "aws_iam_policy_document" "sweep" {
  source_policy_documents = [
    data.aws_iam_policy_document.writes_narratives.json,
    data.aws_iam_policy_document.announces.json,
    data.aws_iam_policy_document.is_limited.json,
  ]

  statement {
    sid       = "RecordWhatIsDoneByItself"
    actions   = ["dynamodb:PutItem"]
    resources = [local.audit_table]
  }

  statement {
    sid       = "MakeEntriesOfWhatWasDenied"
    actions   = ["dynamodb:Query", "dynamodb:DeleteItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.denials_keys
    }
  }

  statement {
    sid     = "FindWhatIsDueOrWaits"
    actions = ["dynamodb:Query"]
    resources = [
      "${local.reports_table}/index/due",
      "${local.reports_table}/index/waiting",
      "${local.investigations_table}/index/due",
      "${local.reports_table}/index/outbox",
      "${local.investigations_table}/index/outbox",
      "${local.webhooks_table}/index/due",
      "${local.knowledge_table}/index/due",
    ]
  }

  statement {
    sid       = "PutWorkOnHoneyJarsOff"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.knowledge_table]
  }

  statement {
    sid       = "SendForWorkOnHoneyJars"
    actions   = ["sqs:SendMessage"]
    resources = [local.knowledge_queue]
  }

  statement {
    # What it sends again is put off, so that the next sweep does not send it, too.
    sid       = "PutDeliveriesOff"
    actions   = ["dynamodb:UpdateItem"]
    resources = [local.webhooks_table]
  }

  statement {
    sid       = "QueueWhatIsRegeneratedByItself"
    actions   = ["dynamodb:PutItem"]
    resources = [local.reports_table]
  }

  statement {
    sid       = "MoveReportsOn"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [local.reports_table]
  }

  statement {
    sid       = "CorrectTheFigures"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [local.access_table]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = local.figures_keys
    }
  }

  statement {
    sid       = "SendPermitsAgain"
    actions   = ["sqs:SendMessage"]
    resources = local.all_queues
  }
}

# Every function: its own log, and traces.
data "aws_iam_policy_document" "function" {
  for_each = local.functions

  source_policy_documents = [local.policies[each.key]]

  statement {
    sid       = "WriteItsOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }

  statement {
    # X-Ray's actions take no other resource.
    sid       = "SendTraces"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "lambda_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name               = each.value.name
  description        = "What the function ${each.value.name} may do"
  assume_role_policy = data.aws_iam_policy_document.lambda_assumes.json
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name   = "calls"
  role   = aws_iam_role.function[each.key].id
  policy = data.aws_iam_policy_document.function[each.key].json
}
