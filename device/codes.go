package device

// Values of resultStatus. They speak of the request, never of the money
// (register-link §3).
const (
	ResultDone    = "S" // done
	ResultRefused = "F" // refused, and nothing was done because of it
	ResultOpen    = "U" // taken on, outcome open
)

// Values of resultCode that are the agent's own, all stable (register-link §5).
// The acquirer's are passed through verbatim.
const (
	CodeSuccess           = "SUCCESS"
	CodePaymentInProgress = "PAYMENT_IN_PROGRESS"
	CodeParamIllegal      = "PARAM_ILLEGAL"
	CodeTerminalBusy      = "TERMINAL_BUSY"
	CodeDeviceNotConnect  = "DEVICE_NOT_CONNECT"
	CodeTimeout           = "TIMEOUT_EXCEPTION"
	CodeUnknown           = "UNKNOWN_EXCEPTION"
	CodeInconsistent      = "DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT"
	CodeUnknownMethod     = "AGENT_UNKNOWN_METHOD"
	CodeBadJSON           = "AGENT_BAD_JSON"
	CodeTooLong           = "AGENT_TOO_LONG"
	CodeNotFound          = "AGENT_NOT_FOUND"
	CodeAborted           = "AGENT_ABORTED"
	CodeStorage           = "AGENT_STORAGE"
	CodeNotPaid           = "AGENT_NOT_PAID"
	CodeRefundExceeds     = "AGENT_REFUND_EXCEEDS"
	CodeTooLate           = "AGENT_TOO_LATE"
	CodeClock             = "AGENT_CLOCK"
	CodeShuttingDown      = "AGENT_SHUTTING_DOWN"
)

// Values of paymentStatus (register-link §3, payment state).
const (
	PaymentProcessing = "PROCESSING"
	PaymentPending    = "PENDING"
	PaymentSuccess    = "SUCCESS"
	PaymentFail       = "FAIL"
	PaymentCancelled  = "CANCELLED"
)

// Values of refundStatus (register-link §3, refund state).
const (
	RefundPending = "PENDING"
	RefundSuccess = "SUCCESS"
	RefundFailed  = "FAILED"
)
