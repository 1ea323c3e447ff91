locals {
  # Each graph: its title, how to sum up, and its metrics.
  graphs = [
    {
      title   = "Requests"
      stat    = "Sum"
      metrics = [for name in ["Count", "4XXError", "5XXError"] : ["AWS/ApiGateway", name, "ApiName", local.api_name, "Stage", local.stage_name]]
    },
    {
      title   = "Latency, p95 (ms)"
      stat    = "p95"
      metrics = [for name in ["Latency", "IntegrationLatency"] : ["AWS/ApiGateway", name, "ApiName", local.api_name, "Stage", local.stage_name]]
    },
    {
      title   = "Waiting permits"
      stat    = "Maximum"
      metrics = [for queue in aws_sqs_queue.queue : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name]]
    },
    {
      title   = "Oldest permit (s)"
      stat    = "Maximum"
      metrics = [for queue in aws_sqs_queue.queue : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.name]]
    },
    {
      title   = "Reports being written"
      stat    = "Maximum"
      metrics = [for key in keys(local.generators) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.functions[key].name]]
    },
    {
      title   = "Reports that ended as failed"
      stat    = "Sum"
      metrics = [[local.failed_metric.namespace, local.failed_metric.name]]
    },
    {
      title   = "Time of one invocation, p95 (ms)"
      stat    = "p95"
      metrics = [for function in local.functions : ["AWS/Lambda", "Duration", "FunctionName", function.name]]
    },
    {
      title   = "Failed invocations"
      stat    = "Sum"
      metrics = [for function in local.functions : ["AWS/Lambda", "Errors", "FunctionName", function.name]]
    },
    {
      title   = "Dead letters"
      stat    = "Maximum"
      metrics = [for queue in aws_sqs_queue.dead : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = var.prefix

  dashboard_body = jsonencode({
    widgets = [
      for position, graph in local.graphs : {
        type   = "metric"
        x      = position % 2 * 12
        y      = floor(position / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = graph.title
          stat    = graph.stat
          period  = 300
          region  = local.region
          metrics = graph.metrics
        }
      }
    ]
  })
}
