# Besides localstack.tfvars: times short enough to watch links expire, workers die and permits
# become dead letters.
generator_timeout_seconds    = 60
housekeeping_timeout_seconds = 30
visibility_seconds           = 65
lease_seconds                = 10
max_receive_count            = 2
resend_seconds               = 5
presign_seconds              = 5
