# Besides localstack.tfvars: times short enough to watch links expire, workers die and permits
# become dead letters.
generator_timeout_seconds    = 20
housekeeping_timeout_seconds = 20
visibility_seconds           = 25
lease_seconds                = 10
max_receive_count            = 2
resend_seconds               = 5
presign_seconds              = 5
llm_concurrency              = 4
# High enough for tests that poll, and on: what limits need is seen as well.
rate_limits = {
  create     = "200/second"
  list       = "200/second"
  download   = "200/second"
  v1         = "200/second"
  v1_trigger = "200/second"
}
