# What somebody must look at. docs/operations.md says what to do about each.

locals {
  alarm_actions = concat(aws_sns_topic.alarms[*].arn, var.alarm_topic_arns)
  api_metric    = { ApiName = local.api_name, Stage = local.stage_name }

  # Every function but the routes and those of webhooks and honey jars may end a report as failed, and then writes one line that starts with this
  # (chalicelib/services/fail_report.py).
  failed_metric = { namespace = var.prefix, name = "FailedReports", pattern = "\"REPORT_FAILED\"" }
  may_fail      = { for key, function in local.functions : key => function if !contains(local.route_functions, key) && !contains(keys(local.deliverers), key) && !contains(keys(local.indexers), key) }
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot publish through the account's SNS key, and an alarm names functions and numbers alone
  count = var.alarm_email == "" ? 0 : 1

  name = "${var.prefix}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_log_metric_filter" "failed_reports" {
  for_each = local.may_fail

  name           = "${each.value.name}-failed-reports"
  log_group_name = aws_cloudwatch_log_group.function[each.key].name
  pattern        = local.failed_metric.pattern

  metric_transformation {
    namespace = local.failed_metric.namespace
    name      = local.failed_metric.name
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "failed_reports" {
  alarm_name          = "${var.prefix}-reports-fail"
  alarm_description   = "${var.alarm_failed_reports} reports or more ended as failed in five minutes."
  namespace           = local.failed_metric.namespace
  metric_name         = local.failed_metric.name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_failed_reports
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letter" {
  alarm_name          = "${var.prefix}-dead-letter"
  alarm_description   = "A permit could not be served several times; its report is looked after by dead_letters."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = aws_lambda_function.function[local.declared.queue_defaults.dead_letter_handler].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_stay" {
  for_each = local.declared.queues

  alarm_name          = "${aws_sqs_queue.dead[each.key].name}-stay"
  alarm_description   = "Dead letters lie in ${aws_sqs_queue.dead[each.key].name}: nothing takes them out."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead[each.key].name }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "webhooks_dead" {
  for_each = local.declared.webhook_queues

  alarm_name          = "${aws_sqs_queue.webhooks_dead[each.key].name}-filled"
  alarm_description   = "Messages about webhooks failed again and again. What they are about is tried again by the sweep; the log of the function says what is wrong."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.webhooks_dead[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "webhooks_wait" {
  for_each = local.declared.webhook_queues

  alarm_name          = "${aws_sqs_queue.webhooks[each.key].name}-waits"
  alarm_description   = "Webhooks have waited for 15 minutes: receivers are slow, or too few are sent at once (deliver_concurrency)."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.webhooks[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  # A message that is delayed on purpose, by 15 minutes at most, has that age when it becomes visible.
  threshold          = 1800
  treat_missing_data = "notBreaching"
  alarm_actions      = local.alarm_actions
  ok_actions         = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "knowledge_dead" {
  for_each = local.declared.knowledge_queues

  alarm_name          = "${aws_sqs_queue.knowledge_dead[each.key].name}-filled"
  alarm_description   = "Documents of honey jars could not be read or deleted again and again. The sweep has it tried again; the log of the function says what is wrong."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.knowledge_dead[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "knowledge_waits" {
  for_each = local.declared.knowledge_queues

  alarm_name          = "${aws_sqs_queue.knowledge[each.key].name}-waits"
  alarm_description   = "Documents of honey jars have waited for 15 minutes: too few are read at once (index_concurrency)."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.knowledge[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 900
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  for_each = local.declared.queues

  alarm_name          = "${aws_sqs_queue.queue[each.key].name}-waits"
  alarm_description   = "The oldest ${each.value.priority} permit has waited too long: too few workers, or none that work."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.queue[each.key].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_oldest_message_seconds[each.value.priority]
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "function_fails" {
  for_each = local.functions

  alarm_name          = "${aws_lambda_function.function[each.key].function_name}-fails"
  alarm_description   = "${aws_lambda_function.function[each.key].function_name} crashed or ran out of time."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.function[each.key].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "schedule_stands" {
  for_each = local.declared.schedules

  alarm_name          = "${var.prefix}-${each.key}-stands"
  alarm_description   = "${local.functions[each.value.handler].name} has not run for ten minutes: nothing that a crash leaves behind is put right."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = aws_lambda_function.function[each.value.handler].function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "server_errors" {
  alarm_name          = "${local.api_name}-5xx"
  alarm_description   = "The API answers with 5xx."
  namespace           = "AWS/ApiGateway"
  metric_name         = "5XXError"
  dimensions          = local.api_metric
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.alarm_server_errors
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${local.api_name}-slow"
  alarm_description   = "One request in twenty takes longer than ${var.alarm_p95_latency_ms} ms."
  namespace           = "AWS/ApiGateway"
  metric_name         = "Latency"
  dimensions          = local.api_metric
  extended_statistic  = "p95"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_p95_latency_ms
  treat_missing_data  = "notBreaching"
  # With few requests a single cold start would be the p95.
  evaluate_low_sample_count_percentiles = "ignore"
  alarm_actions                         = local.alarm_actions
  ok_actions                            = local.alarm_actions
}
