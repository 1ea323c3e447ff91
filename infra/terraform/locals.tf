locals {
  # Tables, queues, buckets and schedules are declared once, for every way to run the service.
  declared = jsondecode(file("${path.module}/../resources.json"))
  stages   = jsondecode(file("${path.module}/../../.chalice/config.json")).stages

  stage_name = local.stages[var.stage].api_gateway_stage
  emulated   = var.emulator_endpoint != ""
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name
  partition  = data.aws_partition.current.partition

  visibility_seconds = coalesce(var.visibility_seconds, local.declared.queue_defaults.visibility_seconds)
  max_receive_count  = coalesce(var.max_receive_count, local.declared.queue_defaults.max_receive_count)
  queue_readers_need = max(var.generator_timeout_seconds, var.housekeeping_timeout_seconds)

  # What the gateway calls: a function for all routes, and those of routes that need other rights and libraries.
  route_functions = toset(concat(["api"], keys(local.declared.routes)))

  # Who reads the queues of webhooks.
  deliverers = { for name, queue in local.declared.webhook_queues : queue.handler => merge(queue, { queue = name }) }

  # Who reads the queues of honey jars.
  indexers = { for name, queue in local.declared.knowledge_queues : queue.handler => merge(queue, { queue = name }) }

  generators = { for name, queue in local.declared.queues : queue.handler => merge(queue, { queue = name }) }
}
