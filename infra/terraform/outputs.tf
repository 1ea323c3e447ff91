output "base_url" {
  description = "Where the API is, with its stage; the documented paths follow it."
  value = (
    local.emulated
    ? "${var.emulator_endpoint}/_aws/execute-api/${aws_api_gateway_rest_api.api.id}/${local.stage_name}"
    : aws_api_gateway_stage.api.invoke_url
  )
}

output "custom_domain_url" {
  description = "The same under the custom domain; empty without one."
  value       = var.domain_name == "" ? "" : "https://${var.domain_name}"
}

output "custom_domain_target" {
  description = "What the custom domain's name in DNS points to (CNAME); empty without one."
  value       = join("", aws_api_gateway_domain_name.api[*].regional_domain_name)
}

output "environment" {
  description = "What a program sets to work on this deployment's tables, queues and bucket, such as the one that makes API keys."
  value       = local.common_environment
}

output "tables" {
  description = "The tables' names."
  value       = { for name, table in aws_dynamodb_table.table : name => table.name }
}

output "queue_urls" {
  description = "The queues' addresses."
  value       = { for name, queue in aws_sqs_queue.queue : name => queue.url }
}

output "knowledge_queue_urls" {
  description = "The addresses of the queues of honey jars."
  value       = { for name, queue in aws_sqs_queue.knowledge : name => queue.url }
}

output "webhook_queue_urls" {
  description = "The addresses of the queues of webhooks."
  value       = { for name, queue in aws_sqs_queue.webhooks : name => queue.url }
}

output "dead_letter_queue_urls" {
  description = "The dead-letter queues' addresses, by the name of the queue they belong to."
  value       = { for name, queue in aws_sqs_queue.dead : name => queue.url }
}

output "artifacts_bucket" {
  description = "The bucket with the documents."
  value       = aws_s3_bucket.bucket["artifacts"].id
}

output "functions" {
  description = "The functions' names, by role."
  value       = { for key, function in aws_lambda_function.function : key => function.function_name }
}

output "policies" {
  description = "What each function may do, as JSON, by role."
  value       = { for key, document in data.aws_iam_policy_document.function : key => document.json }
}

output "dashboard_url" {
  description = "The dashboard in the console."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards:name=${var.prefix}"
}
