# Keys for what must be readable again: the secrets that sign webhooks, and the keys of vaults.

data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:this is the policy of a key: it applies to that key alone
  #checkov:skip=CKV_AWS_111:this is the policy of a key: it applies to that key alone
  #checkov:skip=CKV_AWS_356:in the policy of a key, * is that key
  statement {
    # Without it nobody could ever change the key; what functions may do with it is in their own policies.
    sid       = "TheAccountManagesIt"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }
}

resource "aws_kms_key" "key" {
  for_each = local.declared.keys

  description             = "Of ${var.prefix}: seals ${each.value.purpose}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "key" {
  for_each = local.declared.keys

  name          = "alias/${var.prefix}-${each.key}"
  target_key_id = aws_kms_key.key[each.key].key_id
}
