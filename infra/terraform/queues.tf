resource "aws_sqs_queue" "dead" {
  for_each = local.declared.queues

  name                       = "${var.prefix}-${each.key}${local.declared.queue_defaults.dead_letter_suffix}"
  message_retention_seconds  = local.declared.queue_defaults.retention_seconds
  visibility_timeout_seconds = local.visibility_seconds
  sqs_managed_sse_enabled    = true
}

resource "aws_sqs_queue" "queue" {
  for_each = local.declared.queues

  name                       = "${var.prefix}-${each.key}"
  message_retention_seconds  = local.declared.queue_defaults.retention_seconds
  visibility_timeout_seconds = local.visibility_seconds
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = local.max_receive_count
  })

  lifecycle {
    precondition {
      condition     = local.visibility_seconds >= local.queue_readers_need
      error_message = "visibility_seconds is shorter than a timeout of a function that reads the queues: a permit would be delivered again while it is being served."
    }

    precondition {
      condition     = local.visibility_seconds > var.lease_seconds
      error_message = "visibility_seconds must be more than lease_seconds: the next delivery would find the report of a dead worker still leased."
    }
  }
}

# Webhooks. Nothing takes their dead letters out: what they are about is in the tables, where the sweep finds it again.
resource "aws_sqs_queue" "webhooks_dead" {
  for_each = local.declared.webhook_queues

  name                      = "${var.prefix}-${each.key}${local.declared.queue_defaults.dead_letter_suffix}"
  message_retention_seconds = local.declared.queue_defaults.retention_seconds
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "webhooks" {
  for_each = local.declared.webhook_queues

  name                       = "${var.prefix}-${each.key}"
  message_retention_seconds  = local.declared.queue_defaults.retention_seconds
  visibility_timeout_seconds = each.value.visibility_seconds
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.webhooks_dead[each.key].arn
    maxReceiveCount     = local.max_receive_count
  })

  lifecycle {
    precondition {
      condition     = each.value.visibility_seconds >= var.deliver_timeout_seconds
      error_message = "deliver_timeout_seconds is longer than the visibility in infra/resources.json: a message would be delivered again while it is being handled."
    }
  }
}

# Honey jars. Nothing takes their dead letters out: what is due is in the table, where the sweep finds it again.
resource "aws_sqs_queue" "knowledge_dead" {
  for_each = local.declared.knowledge_queues

  name                      = "${var.prefix}-${each.key}${local.declared.queue_defaults.dead_letter_suffix}"
  message_retention_seconds = local.declared.queue_defaults.retention_seconds
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "knowledge" {
  for_each = local.declared.knowledge_queues

  name                       = "${var.prefix}-${each.key}"
  message_retention_seconds  = local.declared.queue_defaults.retention_seconds
  visibility_timeout_seconds = each.value.visibility_seconds
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.knowledge_dead[each.key].arn
    maxReceiveCount     = local.max_receive_count
  })

  lifecycle {
    precondition {
      condition     = each.value.visibility_seconds >= var.index_timeout_seconds
      error_message = "index_timeout_seconds is longer than the visibility in infra/resources.json: a message would be delivered again while it is being handled."
    }
  }
}
