# SQS → generators, dead letters → their handler, the clock → the sweep.

resource "aws_lambda_event_source_mapping" "generator" {
  for_each = local.generators

  event_source_arn = aws_sqs_queue.queue[each.value.queue].arn
  function_name    = aws_lambda_function.function[each.key].arn
  batch_size       = 1
  enabled          = !var.paused

  scaling_config {
    maximum_concurrency = var.concurrency[each.value.priority]
  }
}

resource "aws_lambda_event_source_mapping" "deliver" {
  for_each = local.deliverers

  event_source_arn = aws_sqs_queue.webhooks[each.value.queue].arn
  function_name    = aws_lambda_function.function[each.key].arn
  batch_size       = 1
  enabled          = !var.paused

  scaling_config {
    maximum_concurrency = var.deliver_concurrency
  }
}

resource "aws_lambda_event_source_mapping" "index" {
  for_each = local.indexers

  event_source_arn = aws_sqs_queue.knowledge[each.value.queue].arn
  function_name    = aws_lambda_function.function[each.key].arn
  batch_size       = 1
  enabled          = !var.paused

  scaling_config {
    maximum_concurrency = var.index_concurrency
  }
}

resource "aws_lambda_event_source_mapping" "dead_letters" {
  for_each = local.declared.queues

  event_source_arn = aws_sqs_queue.dead[each.key].arn
  function_name    = aws_lambda_function.function[local.declared.queue_defaults.dead_letter_handler].arn
  batch_size       = 1

  scaling_config {
    maximum_concurrency = 2
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.declared.schedules

  name                = "${var.prefix}-${each.key}"
  description         = "Runs ${local.functions[each.value.handler].name}"
  schedule_expression = each.value.rate
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.declared.schedules

  rule = aws_cloudwatch_event_rule.schedule[each.key].name
  arn  = aws_lambda_function.function[each.value.handler].arn

  # The next run does what this one missed.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.declared.schedules

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.value.handler].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

resource "aws_lambda_function_event_invoke_config" "schedule" {
  for_each = local.declared.schedules

  function_name                = aws_lambda_function.function[each.value.handler].function_name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}
