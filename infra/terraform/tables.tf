resource "aws_dynamodb_table" "table" {
  #checkov:skip=CKV_AWS_119:the account's DynamoDB key encrypts the tables; a key of our own would add a cost and a way to lock ourselves out, and keep nobody out
  #checkov:skip=CKV_AWS_28:infra/resources.json turns it on; the check does not read that
  for_each = local.declared.tables

  # A table that was restored has a new name.
  name                        = lookup(var.table_names, each.key, "${var.prefix}-${each.key}")
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.hash_key
  range_key                   = each.value.range_key
  deletion_protection_enabled = !var.force_destroy

  dynamic "attribute" {
    for_each = each.value.attributes

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes

    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.hash_key
      range_key          = global_secondary_index.value.range_key
      projection_type    = global_secondary_index.value.projection
      non_key_attributes = try(global_secondary_index.value.project, null)
    }
  }

  ttl {
    enabled        = true
    attribute_name = each.value.ttl
  }

  point_in_time_recovery {
    enabled = each.value.point_in_time_recovery
  }

  server_side_encryption {
    enabled = true
  }
}
