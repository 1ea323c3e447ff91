locals {
  # The declared buckets, and one for the Lambda packages.
  buckets = toset(concat(keys(local.declared.buckets), ["packages"]))

  # Where documents lie, and what they were made from: an old version there is somebody's text.
  private_prefixes = ["reports/", "investigations/", "evidence/", "uploads/", "knowledge/"]
}

resource "aws_s3_bucket" "bucket" {
  #checkov:skip=CKV_AWS_18:every read of a document is in the API's own log; access logs of S3 would keep more about people than they tell
  #checkov:skip=CKV_AWS_144:a document can be written again from its request; a second region would keep a second copy of private text
  #checkov:skip=CKV_AWS_145:S3's own keys encrypt the objects; a key of our own would cost a call per object and keep nobody out
  #checkov:skip=CKV2_AWS_62:nothing waits for events of the buckets
  for_each = local.buckets

  # Bucket names are taken world-wide.
  bucket        = "${var.prefix}-${each.key}-${local.account_id}"
  force_destroy = each.key == "packages" || var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.bucket[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "bucket" {
  #checkov:skip=CKV_AWS_300:the first rule does that; the check loses it beside a dynamic one
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  dynamic "rule" {
    for_each = each.key == "packages" ? [] : local.private_prefixes

    content {
      id     = "old-versions-${trimsuffix(rule.value, "/")}"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }

      # What is left when the last version is gone.
      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  # Files to import findings from, and for honey jars. They are read at once; for a day that can be repeated.
  dynamic "rule" {
    for_each = each.key == "packages" ? [] : ["uploads/"]

    content {
      id     = "uploads"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      expiration {
        days = 1
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

data "aws_iam_policy_document" "tls_only" {
  for_each = local.buckets

  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.bucket[each.key].arn, "${aws_s3_bucket.bucket[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id
  policy = data.aws_iam_policy_document.tls_only[each.key].json

  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.bucket]
}

# The packages. A key holds the content's hash: a changed package is a new object, and going
# back is applying the older zip.
resource "aws_s3_object" "package" {
  for_each = { api = var.api_package, worker = var.worker_package, knowledge = var.knowledge_package }

  bucket = aws_s3_bucket.bucket["packages"].id
  key    = "${each.key}/${filesha256(each.value)}.zip"
  source = each.value

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}
