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
