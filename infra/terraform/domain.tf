# The optional custom domain. The name in DNS points to the output custom_domain_target.

resource "aws_api_gateway_domain_name" "api" {
  count = var.domain_name == "" ? 0 : 1

  domain_name              = var.domain_name
  regional_certificate_arn = var.certificate_arn
  security_policy          = "TLS_1_2"

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    precondition {
      condition     = startswith(var.certificate_arn, "arn:")
      error_message = "A custom domain needs certificate_arn."
    }
  }
}

resource "aws_api_gateway_base_path_mapping" "api" {
  count = var.domain_name == "" ? 0 : 1

  # Without a base path, so that the paths are the documented ones.
  domain_name = aws_api_gateway_domain_name.api[0].domain_name
  api_id      = aws_api_gateway_rest_api.api.id
  stage_name  = aws_api_gateway_stage.api.stage_name
}
