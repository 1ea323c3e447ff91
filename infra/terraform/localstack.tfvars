# The same configuration on LocalStack. AWS_ENDPOINT_URL has the same address; llm_base_url and
# llm_model are given on the command line.
prefix            = "local"
region            = "us-east-1"
emulator_endpoint = "http://127.0.0.1:4566"
force_destroy     = true

# LocalStack lacks the managed policy of that role, and needs none.
manage_api_gateway_account = false

concurrency        = { urgent = 2, high = 2, normal = 2, low = 2 }
log_retention_days = 1
