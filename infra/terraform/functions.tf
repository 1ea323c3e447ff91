locals {
  # The packages hold bytecode and extension modules, which run on one version of Python.
  python_runtime = var.python_runtime != null ? var.python_runtime : trimspace(file("${dirname(var.api_package)}/python_runtime.txt"))

  common_environment = merge(
    { for name, table in local.declared.tables : table.environment => aws_dynamodb_table.table[name].name },
    { for name, queue in local.declared.queues : queue.environment => aws_sqs_queue.queue[name].url },
    { for name, queue in local.declared.webhook_queues : queue.environment => aws_sqs_queue.webhooks[name].url },
    { for name, queue in local.declared.knowledge_queues : queue.environment => aws_sqs_queue.knowledge[name].url },
    { for name, key in local.declared.keys : key.environment => aws_kms_key.key[name].arn },
    { for name, bucket in local.declared.buckets : bucket.environment => aws_s3_bucket.bucket[name].id },
    {
      # Reports written at once is what the mappings below allow.
      WORKERS         = join(",", [for queue in local.declared.queues : "${queue.priority}:${var.concurrency[queue.priority]}"])
      LEASE_SECONDS   = tostring(var.lease_seconds)
      RESEND_SECONDS  = tostring(var.resend_seconds)
      PRESIGN_SECONDS = tostring(var.presign_seconds)

      AUTO_REGENERATE_SECONDS = tostring(var.auto_regenerate_seconds)

      AUDIT_DAYS = tostring(var.audit_days)
      OPERATORS  = join(",", var.operators)
    },
    { for name, rate in var.rate_limits : "RATE_LIMIT_${upper(name)}" => rate },
    var.extra_environment,
  )

  # What an estimate depends on: the API answers with one without asking a model.
  estimating_environment = merge(
    {
      LLM             = var.llm_base_url == "" ? "off" : "on"
      LLM_MODEL       = var.llm_model
      LLM_CONCURRENCY = tostring(var.llm_concurrency)
      LLM_PRICES      = jsonencode(var.llm_prices)
    },
    var.llm_fallback_base_url == "" ? {} : {
      LLM_FALLBACK_BASE_URL = var.llm_fallback_base_url
      LLM_FALLBACK_MODEL    = trimspace(var.llm_fallback_model)
    },
    # The API refuses reports that ask for what the generators cannot look for.
    var.web_search_url == "" ? {} : { WEB_SEARCH_URL = var.web_search_url },
  )

  # Who may ask, and from which pages: for the functions behind the gateway.
  answering_environment = {
    KRATOS_PUBLIC_URL = var.kratos_public_url
    CORS_ORIGINS      = join(",", var.cors_origins)
  }

  # Whom to ask what texts of honey jars mean, so that they are found by that as well.
  embedding_environment = merge(
    local.detecting_environment,
    var.embeddings_base_url == "" ? {} : {
      EMBEDDINGS_BASE_URL = var.embeddings_base_url
      EMBEDDINGS_MODEL    = trimspace(var.embeddings_model)
    },
    var.embeddings_api_key_parameter == "" ? {} : { EMBEDDINGS_API_KEY_PARAMETER = var.embeddings_api_key_parameter },
  )

  # What private data is looked for with.
  detecting_environment = var.presidio_url == "" ? {} : {
    PII_ENGINE        = "presidio"
    PRESIDIO_URL      = var.presidio_url
    PRESIDIO_LANGUAGE = var.presidio_language
  }

  rendering_environment = var.report_theme == "" ? {} : { REPORT_THEME = var.report_theme }

  writing_environment = merge(
    local.estimating_environment,
    local.rendering_environment,
    local.embedding_environment,
    {
      LLM_BASE_URL        = var.llm_base_url
      CITATION_CHECK      = var.citation_check
      LLM_TIMEOUT_SECONDS = tostring(var.llm_timeout_seconds)
    },
    { for tier, model in var.llm_tier_models : "LLM_MODEL_${upper(tier)}" => model if model != null },
    var.llm_api_key_parameter == "" ? {} : { LLM_API_KEY_PARAMETER = var.llm_api_key_parameter },
    var.llm_fallback_api_key_parameter == "" ? {} : { LLM_FALLBACK_API_KEY_PARAMETER = var.llm_fallback_api_key_parameter },
  )

  function_kinds = merge(
    {
      api = {
        handler     = "app.app"
        package     = "api"
        timeout     = var.api_timeout_seconds
        memory      = var.memory_mb.api
        environment = merge(local.answering_environment, local.estimating_environment, local.detecting_environment)
      }
    },
    {
      for name, route in local.declared.routes : name => {
        handler     = "app.app"
        package     = route.package
        timeout     = var.api_timeout_seconds
        memory      = var.memory_mb[name]
        environment = merge(local.answering_environment, name == "knowledge" ? local.embedding_environment : local.rendering_environment)
      }
    },
    {
      for handler in keys(local.generators) : handler => {
        handler     = "app.${handler}"
        package     = "worker"
        timeout     = var.generator_timeout_seconds
        memory      = var.memory_mb.generator
        environment = local.writing_environment
      }
    },
    {
      for handler in concat(
        [local.declared.queue_defaults.dead_letter_handler],
        [for schedule in values(local.declared.schedules) : schedule.handler],
        ) : handler => {
        handler     = "app.${handler}"
        package     = "api"
        timeout     = var.housekeeping_timeout_seconds
        memory      = var.memory_mb.housekeeping
        environment = {}
      }
    },
    {
      for handler in keys(local.deliverers) : handler => {
        handler     = "app.${handler}"
        package     = "api"
        timeout     = var.deliver_timeout_seconds
        memory      = var.memory_mb.housekeeping
        environment = {}
      }
    },
    {
      for handler in keys(local.indexers) : handler => {
        handler     = "app.${handler}"
        package     = "knowledge"
        timeout     = var.index_timeout_seconds
        memory      = var.memory_mb.index
        environment = local.embedding_environment
      }
    },
  )

  functions = {
    for key, kind in local.function_kinds : key => merge(kind, { name = "${var.prefix}-${replace(key, "_", "-")}" })
  }
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key encrypts the logs, and they hold no text of reports
  for_each = local.functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_116:permits have dead-letter queues of their own; the sweep runs again a minute later
  #checkov:skip=CKV_AWS_117:no function talks to anything in a private network
  #checkov:skip=CKV_AWS_173:the environment holds names and addresses; the one secret stays in SSM
  #checkov:skip=CKV_AWS_272:packages come from a bucket that only deployers may write to
  for_each = local.functions

  function_name                  = each.value.name
  role                           = aws_iam_role.function[each.key].arn
  runtime                        = local.python_runtime
  architectures                  = ["x86_64"]
  handler                        = each.value.handler
  s3_bucket                      = aws_s3_object.package[each.value.package].bucket
  s3_key                         = aws_s3_object.package[each.value.package].key
  timeout                        = each.value.timeout
  memory_size                    = each.value.memory
  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, -1)

  environment {
    variables = merge(local.common_environment, each.value.environment)
  }

  tracing_config {
    mode = "Active"
  }

  lifecycle {
    precondition {
      condition     = (var.llm_base_url == "") == (trimspace(var.llm_model) == "")
      error_message = "Give both llm_base_url and llm_model, or neither to have digests of honey jars alone."
    }

    precondition {
      condition     = (var.llm_fallback_base_url == "") == (trimspace(var.llm_fallback_model) == "")
      error_message = "Give both llm_fallback_base_url and llm_fallback_model, or neither."
    }

    precondition {
      condition     = (var.embeddings_base_url == "") == (trimspace(var.embeddings_model) == "")
      error_message = "Give both embeddings_base_url and embeddings_model, or neither."
    }
  }

  # Without its rights and its log group the first invocation fails, or makes a log group that nobody deletes.
  depends_on = [aws_iam_role_policy.function, aws_cloudwatch_log_group.function]
}
