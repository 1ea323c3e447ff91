# The deployment

variable "prefix" {
  description = "Put before every name. Names of roles and buckets are not regional, so each deployment in an account needs its own prefix."
  type        = string
  default     = "reports"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.prefix))
    error_message = "The prefix has 2 to 20 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "region" {
  description = "AWS region; null takes it from the environment (AWS_REGION)."
  type        = string
  default     = null
}

variable "stage" {
  description = "Which stage of .chalice/config.json this deployment is; it names the API Gateway stage."
  type        = string
  default     = "dev"
}

variable "tags" {
  description = "Tags for every resource, besides Deployment."
  type        = map(string)
  default     = {}
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete tables and documents. While false, the tables are protected against deletion and a bucket with documents stays."
  type        = bool
  default     = false
}

variable "paused" {
  description = "Whether the service stands still: the API answers 429 to everybody and no report is begun, while everything is kept. For a restore."
  type        = bool
  default     = false
}

variable "table_names" {
  description = "Names of tables that are not the prefix and the declared name, by declared name: tables that were restored. docs/deploy.md has the steps; without them Terraform would make a new, empty table."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for table, name in var.table_names : contains(["reports", "access", "investigations", "audit", "webhooks", "knowledge"], table) && can(regex("^[A-Za-z0-9_.-]{3,255}$", name))])
    error_message = "Name reports, access, investigations, audit, webhooks or knowledge, with 3 to 255 letters, digits, and _ . -"
  }
}

variable "emulator_endpoint" {
  description = "Address of an AWS emulator, as in AWS_ENDPOINT_URL; empty on AWS."
  type        = string
  default     = ""

  validation {
    condition     = var.emulator_endpoint == "" || can(regex("^https?://[^/]+$", var.emulator_endpoint))
    error_message = "The emulator's address is http://HOST:PORT, without a path."
  }
}

# The packages

variable "api_package" {
  description = "Path of the zip for the API, the dead letters and the sweep."
  type        = string
  default     = "../../dist/api.zip"
}

variable "worker_package" {
  description = "Path of the zip for the generators."
  type        = string
  default     = "../../dist/worker.zip"
}

variable "knowledge_package" {
  description = "Path of the zip for honey jars: their routes, and what reads documents."
  type        = string
  default     = "../../dist/knowledge.zip"
}

variable "python_runtime" {
  description = "Lambda runtime; null is the Python that built the packages, as `make package` notes it beside them."
  type        = string
  default     = null

  validation {
    condition     = var.python_runtime == null ? true : contains(["python3.11", "python3.12", "python3.13"], var.python_runtime)
    error_message = "The runtime is python3.11, python3.12 or python3.13."
  }
}

# The model endpoint

variable "llm_base_url" {
  description = "The OpenAI-compatible endpoint that writes, up to and including /v1. Empty for none: then reports are digests of honey jars."
  type        = string

  validation {
    condition     = var.llm_base_url == "" || can(regex("^https?://[^ ]+$", var.llm_base_url))
    error_message = "The model endpoint is an http(s) URL."
  }
}

variable "llm_model" {
  description = "The model's name at that endpoint; empty without one."
  type        = string
}

variable "llm_tier_models" {
  description = "Models at that endpoint for the tiers in which reports of investigations are written; null for llm_model."
  type = object({
    fast     = optional(string)
    standard = optional(string)
    deep     = optional(string)
  })
  default = {}

  validation {
    condition     = alltrue([for model in values(var.llm_tier_models) : model == null ? true : trimspace(model) != ""])
    error_message = "Name the model of a tier, or leave it out."
  }
}

variable "llm_api_key_parameter" {
  description = "Name of the SSM SecureString with the endpoint's key, starting with a slash; empty for an endpoint without one. It is made outside Terraform, so that the key is in no state file."
  type        = string
  default     = ""

  validation {
    condition     = var.llm_api_key_parameter == "" || can(regex("^/[A-Za-z0-9_./-]{1,1000}$", var.llm_api_key_parameter))
    error_message = "A parameter name starts with a slash and holds letters, digits, and _ . / - only."
  }
}

variable "llm_fallback_base_url" {
  description = "A second endpoint, up to and including /v1, that writes while the first is down; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.llm_fallback_base_url == "" || can(regex("^https?://[^ ]+$", var.llm_fallback_base_url))
    error_message = "The fallback endpoint is an http(s) URL."
  }
}

variable "llm_fallback_model" {
  description = "The model's name at the second endpoint; required with it."
  type        = string
  default     = ""
}

variable "llm_fallback_api_key_parameter" {
  description = "Name of the SSM SecureString with the second endpoint's key, starting with a slash; empty for an endpoint without one."
  type        = string
  default     = ""

  validation {
    condition     = var.llm_fallback_api_key_parameter == "" || can(regex("^/[A-Za-z0-9_./-]{1,1000}$", var.llm_fallback_api_key_parameter))
    error_message = "A parameter name starts with a slash and holds letters, digits, and _ . / - only."
  }
}

variable "embeddings_base_url" {
  description = "An OpenAI-compatible endpoint for embeddings, up to and including /v1; empty for none: honey jars are searched by words then. It is sent tokens where private values stand."
  type        = string
  default     = ""

  validation {
    condition     = var.embeddings_base_url == "" || can(regex("^https?://[^ ]+$", var.embeddings_base_url))
    error_message = "The endpoint is an http(s) URL."
  }
}

variable "embeddings_model" {
  description = "The model's name at that endpoint. Documents that were indexed with another one are found by their words alone."
  type        = string
  default     = ""
}

variable "embeddings_api_key_parameter" {
  description = "Name of the SSM SecureString with that endpoint's key, starting with a slash; empty for an endpoint without one."
  type        = string
  default     = ""

  validation {
    condition     = var.embeddings_api_key_parameter == "" || can(regex("^/[A-Za-z0-9_./-]{1,1000}$", var.embeddings_api_key_parameter))
    error_message = "A parameter name starts with a slash and holds letters, digits, and _ . / - only."
  }
}

variable "llm_prices" {
  description = "US dollars per million tokens, [read, written], by model; * is any other model. Without it reports have no costs, and may not be given a cost limit."
  type        = map(list(number))
  default     = {}

  validation {
    condition     = alltrue([for price in values(var.llm_prices) : length(price) == 2 && alltrue([for amount in price : amount >= 0])])
    error_message = "A price is [input, output] in US dollars per million tokens, each at least 0."
  }
}

variable "llm_timeout_seconds" {
  description = "Time for one request to the model."
  type        = number
  default     = 300

  validation {
    condition     = var.llm_timeout_seconds >= 1 && var.llm_timeout_seconds <= 900
    error_message = "The model's time is 1 to 900 seconds."
  }
}

variable "llm_concurrency" {
  description = "Requests to the model at once, per report."
  type        = number
  default     = 8

  validation {
    condition     = var.llm_concurrency >= 1 && var.llm_concurrency <= 64 && floor(var.llm_concurrency) == var.llm_concurrency
    error_message = "Requests at once are a whole number from 1 to 64."
  }
}

# Times and numbers

variable "concurrency" {
  description = "Reports written at once, by priority. Lambda's event source mappings take 2 to 1000."
  type = object({
    urgent = optional(number, 5)
    high   = optional(number, 5)
    normal = optional(number, 5)
    low    = optional(number, 2)
  })
  default = {}

  validation {
    condition     = alltrue([for count in values(var.concurrency) : count >= 2 && count <= 1000 && floor(count) == count])
    error_message = "Each priority writes 2 to 1000 reports at once."
  }
}

variable "reserved_concurrency" {
  description = "Concurrency taken out of the account's pool for a function (api, download, generate_urgent, generate_high, generate_normal, generate_low, dead_letters, sweep, deliver, knowledge, index). A function that is not named shares the pool."
  type        = map(number)
  default     = {}

  validation {
    condition = alltrue([
      for name, count in var.reserved_concurrency :
      contains(["api", "download", "generate_urgent", "generate_high", "generate_normal", "generate_low", "dead_letters", "sweep", "deliver", "knowledge", "index"], name) && count >= 1
    ])
    error_message = "Reserve at least 1 for functions that exist."
  }
}

variable "api_timeout_seconds" {
  description = "Time for one request. API Gateway waits 29 seconds."
  type        = number
  default     = 28

  validation {
    condition     = var.api_timeout_seconds >= 3 && var.api_timeout_seconds <= 29
    error_message = "A request has 3 to 29 seconds."
  }
}

variable "generator_timeout_seconds" {
  description = "Time of one generator invocation. A report that needs longer is handed on and resumed."
  type        = number
  default     = 900

  validation {
    condition     = var.generator_timeout_seconds >= 5 && var.generator_timeout_seconds <= 900
    error_message = "A generator has 5 to 900 seconds."
  }
}

variable "housekeeping_timeout_seconds" {
  description = "Time of one sweep, and of one dead letter."
  type        = number
  default     = 60

  validation {
    condition     = var.housekeeping_timeout_seconds >= 5 && var.housekeeping_timeout_seconds <= 900
    error_message = "Housekeeping has 5 to 900 seconds."
  }
}

variable "deliver_timeout_seconds" {
  description = "Time for handing out the events of one record, or for one attempt to deliver a webhook."
  type        = number
  default     = 60

  validation {
    condition     = var.deliver_timeout_seconds >= 20 && var.deliver_timeout_seconds <= 120
    error_message = "Webhooks have 20 to 120 seconds."
  }
}

variable "index_timeout_seconds" {
  description = "Time for reading and indexing one document of a honey jar."
  type        = number
  default     = 600

  validation {
    condition     = var.index_timeout_seconds >= 300 && var.index_timeout_seconds <= 640
    error_message = "A document has 300 to 640 seconds: less than a message of its queue stays hidden."
  }
}

variable "index_concurrency" {
  description = "Documents read at once. Lambda's event source mappings take 2 to 1000."
  type        = number
  default     = 5

  validation {
    condition     = var.index_concurrency >= 2 && var.index_concurrency <= 1000 && floor(var.index_concurrency) == var.index_concurrency
    error_message = "2 to 1000 documents are read at once."
  }
}

variable "deliver_concurrency" {
  description = "Webhooks sent at once. Lambda's event source mappings take 2 to 1000."
  type        = number
  default     = 10

  validation {
    condition     = var.deliver_concurrency >= 2 && var.deliver_concurrency <= 1000 && floor(var.deliver_concurrency) == var.deliver_concurrency
    error_message = "2 to 1000 webhooks are sent at once."
  }
}

variable "visibility_seconds" {
  description = "How long a received permit stays hidden; null takes infra/resources.json. At least the timeout of the functions that read the queues, and more than the lease."
  type        = number
  default     = null

  validation {
    condition     = var.visibility_seconds == null ? true : var.visibility_seconds >= 1 && var.visibility_seconds <= 43200
    error_message = "A permit stays hidden for 1 to 43200 seconds."
  }
}

variable "max_receive_count" {
  description = "Deliveries before a permit becomes a dead letter; null takes infra/resources.json."
  type        = number
  default     = null

  validation {
    condition     = var.max_receive_count == null ? true : var.max_receive_count >= 1 && var.max_receive_count <= 1000
    error_message = "A permit is delivered 1 to 1000 times."
  }
}

variable "lease_seconds" {
  description = "How long a worker may be silent before its report is taken back."
  type        = number
  default     = 180

  validation {
    condition     = var.lease_seconds >= 2 && var.lease_seconds <= 3600
    error_message = "A lease lasts 2 to 3600 seconds."
  }
}

variable "resend_seconds" {
  description = "Past the expected wait, before a permit is sent again."
  type        = number
  default     = 30

  validation {
    condition     = var.resend_seconds >= 1 && var.resend_seconds <= 3600
    error_message = "A permit is sent again after 1 to 3600 seconds."
  }
}

variable "auto_regenerate_seconds" {
  description = "How long the evidence of an investigation that asks for it must be unchanged before its report is regenerated by itself."
  type        = number
  default     = 120

  validation {
    condition     = var.auto_regenerate_seconds >= 1 && var.auto_regenerate_seconds <= 86400
    error_message = "A report is regenerated by itself after 1 to 86400 seconds."
  }
}

variable "presign_seconds" {
  description = "Life of a presigned link."
  type        = number
  default     = 900

  validation {
    condition     = var.presign_seconds >= 1 && var.presign_seconds <= 900
    error_message = "A link lives 1 to 900 seconds."
  }
}

variable "rate_limits" {
  description = "Limits of each caller that differ from the usual ones (10/hour, 100/minute, 50/minute, 60/minute, 2/minute, 60/minute, 60/minute); off for none."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.rate_limits) : contains(["create", "list", "download", "v1", "v1_trigger", "search", "upload"], name)])
    error_message = "There are limits of create, list, download, v1, v1_trigger, search and upload."
  }

  validation {
    condition     = alltrue([for rate in values(var.rate_limits) : can(regex("^(off|(1000|[1-9][0-9]{0,2})/(second|minute|hour|day))$", rate))])
    error_message = "A limit is off, or a number from 1 to 1000 and a unit of time, as in 10/hour."
  }
}

variable "extra_environment" {
  description = "More settings for every function; docs/operations.md lists them. No secrets: they would be in the state."
  type        = map(string)
  default     = {}
}

variable "presidio_url" {
  description = "A Presidio analyzer that finds private data besides what the rules find, such as https://presidio.example.com. Empty for the rules alone."
  type        = string
  default     = ""

  validation {
    condition     = var.presidio_url == "" || can(regex("^https?://[^\\s/?#@]+(/[^\\s?#]*)?$", var.presidio_url))
    error_message = "A URL such as https://presidio.example.com, without user, query or fragment."
  }
}

variable "presidio_language" {
  description = "The language that the analyzer is asked in: two letters."
  type        = string
  default     = "en"

  validation {
    condition     = can(regex("^[a-z]{2}$", var.presidio_language))
    error_message = "Two small letters such as en."
  }
}

variable "web_search_url" {
  description = "A SearXNG instance with its JSON format on, such as https://search.example.com, for reports that order a web search. Empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.web_search_url == "" || can(regex("^https?://[^\\s/?#@]+(/[^\\s?#]*)?$", var.web_search_url))
    error_message = "A URL such as https://search.example.com, without user, query or fragment."
  }
}

variable "citation_check" {
  description = "What checks the citations of reports: rules, or model for a second opinion of the model where rules cannot tell."
  type        = string
  default     = "rules"

  validation {
    condition     = contains(["rules", "model"], var.citation_check)
    error_message = "Either rules or model."
  }
}

variable "report_theme" {
  description = "How reports look, as JSON: docs/operations.md lists the fields. Empty for our own looks."
  type        = string
  default     = ""

  validation {
    condition     = var.report_theme == "" ? true : can(keys(jsondecode(var.report_theme)))
    error_message = "A theme is a JSON object."
  }
}

variable "memory_mb" {
  description = "Memory by role. 1769 MB are one whole CPU, which rendering wants."
  type = object({
    api          = optional(number, 512)
    download     = optional(number, 1769)
    generator    = optional(number, 1769)
    housekeeping = optional(number, 512)
    knowledge    = optional(number, 1024)
    index        = optional(number, 2048)
  })
  default = {}

  validation {
    condition     = alltrue([for size in values(var.memory_mb) : size >= 128 && size <= 10240])
    error_message = "A function has 128 to 10240 MB."
  }
}

# The API

variable "throttle_rate" {
  description = "Requests per second over the whole API."
  type        = number
  default     = 100

  validation {
    condition     = var.throttle_rate > 0 && var.throttle_rate <= 10000
    error_message = "The rate is more than 0 and at most 10000 requests per second."
  }
}

variable "throttle_burst" {
  description = "Requests at once over the whole API."
  type        = number
  default     = 200

  validation {
    condition     = var.throttle_burst >= 1 && var.throttle_burst <= 5000
    error_message = "The burst is 1 to 5000 requests."
  }
}

variable "manage_api_gateway_account" {
  description = "Whether this deployment sets the role through which API Gateway writes logs. It belongs to account and region: let one deployment in each have it, or none where it is set already."
  type        = bool
  default     = true
}

variable "domain_name" {
  description = "Custom domain of the API; empty for API Gateway's own address."
  type        = string
  default     = ""

  validation {
    condition     = var.domain_name == "" || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "A domain name looks like reports.example.com."
  }
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate for the custom domain, in the same region."
  type        = string
  default     = ""
}

variable "enable_waf" {
  description = "Whether a web application firewall stands before the API (about 8 US dollars a month and 0.60 per million requests)."
  type        = bool
  default     = false
}

variable "waf_requests_per_five_minutes" {
  description = "Requests that the firewall lets one address make in five minutes."
  type        = number
  default     = 2000

  validation {
    condition     = var.waf_requests_per_five_minutes >= 100
    error_message = "The firewall's limit is at least 100."
  }
}

# Watching it

variable "kratos_public_url" {
  description = "Where Ory Kratos' public API is, which knows the sessions of browsers; empty for API keys alone."
  type        = string
  default     = ""

  validation {
    condition     = var.kratos_public_url == "" || can(regex("^https://[^\\s/?#@]+(/[^\\s?#]*)?$", var.kratos_public_url))
    error_message = "Give an https URL, because sessions are sent there, or nothing."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may read the answers of /api in a browser, and change something with a session; [\"*\"] for every page, which then gets no sessions."
  type        = list(string)
  default     = []

  validation {
    condition     = var.cors_origins == tolist(["*"]) || alltrue([for origin in var.cors_origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]{1,5})?$", origin))])
    error_message = "An origin is a scheme, a host and perhaps a port, as in https://app.example.com."
  }
}

variable "audit_days" {
  description = "How many days an entry of the audit is kept."
  type        = number
  default     = 400

  validation {
    condition     = var.audit_days >= 1 && var.audit_days <= 3660 && floor(var.audit_days) == var.audit_days
    error_message = "The audit is kept for 1 to 3660 days."
  }
}

variable "operators" {
  description = "Owners whose admins run this deployment: they may read everybody's audit."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for owner in var.operators : trimspace(owner) != "" && !strcontains(owner, ",")])
    error_message = "An operator is the name of an owner, without a comma."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, … days."
  }
}

variable "alarm_email" {
  description = "Where alarms are sent (a topic is made, and its subscription must be confirmed once); empty for nowhere."
  type        = string
  default     = ""
}

variable "alarm_topic_arns" {
  description = "SNS topics that exist already and get the alarms too."
  type        = list(string)
  default     = []
}

variable "alarm_oldest_message_seconds" {
  description = "Age of a queue's oldest permit that is too much, by priority."
  type = object({
    urgent = optional(number, 900)
    high   = optional(number, 1800)
    normal = optional(number, 3600)
    low    = optional(number, 14400)
  })
  default = {}
}

variable "alarm_p95_latency_ms" {
  description = "The API's p95 latency that is too much."
  type        = number
  default     = 1000

  validation {
    condition     = var.alarm_p95_latency_ms > 0
    error_message = "A latency is more than 0."
  }
}

variable "alarm_server_errors" {
  description = "5xx answers in five minutes that are too many."
  type        = number
  default     = 5

  validation {
    condition     = var.alarm_server_errors >= 1
    error_message = "At least 1."
  }
}

variable "alarm_failed_reports" {
  description = "Reports ending as failed in five minutes that are too many."
  type        = number
  default     = 5

  validation {
    condition     = var.alarm_failed_reports >= 1
    error_message = "At least 1."
  }
}
