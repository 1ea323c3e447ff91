locals {
  api_name = "${var.prefix}-api"

  # Made from the app's own routes: python -m infra.openapi
  api_body = templatefile("${path.module}/openapi.json", {
    for name in local.route_functions : "${name}_invoke_arn" => aws_lambda_function.function[name].invoke_arn
  })
}

resource "aws_api_gateway_rest_api" "api" {
  name        = local.api_name
  description = "The reports service"
  body        = local.api_body

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "api" {
  for_each = local.route_functions

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.key].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.api.execution_arn}/${local.stage_name}/*"
}

# There was one function for all routes.
moved {
  from = aws_lambda_permission.api
  to   = aws_lambda_permission.api["api"]
}

resource "aws_api_gateway_deployment" "api" {
  rest_api_id = aws_api_gateway_rest_api.api.id

  triggers = {
    body = sha256(local.api_body)
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "api" {
  #checkov:skip=CKV_AWS_120:answers are private to a caller; none may be cached
  #checkov:skip=CKV2_AWS_77:the firewall has the rules against Log4j; the list of anonymous addresses that the check wants too would shut out callers in clouds
  #checkov:skip=CKV2_AWS_4:errors are logged; the check also wants metrics of every method, each billed as a custom metric, and nothing here reads them
  #checkov:skip=CKV2_AWS_51:callers are known by API keys; the function behind the gateway takes calls from it alone
  rest_api_id          = aws_api_gateway_rest_api.api.id
  deployment_id        = aws_api_gateway_deployment.api.id
  stage_name           = local.stage_name
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn

    # No query strings and no bodies: they are the callers' own.
    format = jsonencode({
      requestId          = "$context.requestId"
      requestTime        = "$context.requestTime"
      sourceIp           = "$context.identity.sourceIp"
      httpMethod         = "$context.httpMethod"
      resourcePath       = "$context.resourcePath"
      status             = "$context.status"
      responseLength     = "$context.responseLength"
      responseLatency    = "$context.responseLatency"
      integrationLatency = "$context.integrationLatency"
      integrationStatus  = "$context.integration.status"
      error              = "$context.error.responseType"
      traceId            = "$context.xrayTraceId"
    })
  }

  depends_on = [aws_api_gateway_account.account, aws_cloudwatch_log_group.execution]
}

resource "aws_api_gateway_method_settings" "api" {
  #checkov:skip=CKV_AWS_225:answers are private to a caller; none may be cached
  rest_api_id = aws_api_gateway_rest_api.api.id
  stage_name  = aws_api_gateway_stage.api.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = false
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = var.paused ? 0 : var.throttle_rate
    throttling_burst_limit = var.paused ? 0 : var.throttle_burst
  }
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key encrypts the logs, and they hold no text of reports
  name              = "/aws/apigateway/${local.api_name}"
  retention_in_days = var.log_retention_days
}

# API Gateway would make this one itself, and leave it behind.
resource "aws_cloudwatch_log_group" "execution" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own key encrypts the logs, and they hold no text of reports
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.api.id}/${local.stage_name}"
  retention_in_days = var.log_retention_days
}

# The role through which API Gateway writes logs: one for all APIs of an account in a region.

data "aws_iam_policy_document" "api_gateway_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "api_gateway_logs" {
  count = var.manage_api_gateway_account ? 1 : 0

  name               = "${var.prefix}-api-gateway-logs"
  description        = "Lets API Gateway write logs, for every API of the account in ${local.region}"
  assume_role_policy = data.aws_iam_policy_document.api_gateway_assumes.json
}

resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  count = var.manage_api_gateway_account ? 1 : 0

  role       = aws_iam_role.api_gateway_logs[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "account" {
  count = var.manage_api_gateway_account ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway_logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.api_gateway_logs]
}
