package queue

import "time"

// Policy is what the configuration fixes for the machine.
type Policy struct {
	// InquiryInterval is the pause between inquiries while they are eager.
	InquiryInterval time.Duration
	// QuietTime is how long an attempt that was given up may still arrive at the
	// acquirer. Until it is over, "not found" is not "no".
	QuietTime time.Duration
	// AskAfterTimeout: after an attempt without an answer ask first, and pay again
	// only if the payment is not found. Otherwise the same pay is sent again.
	AskAfterTimeout bool
	// ConfirmAnswers: what a pay request is answered is settled by an inquiry before
	// it is believed. The answer to a pay request does not name its payment, so
	// where the way to the acquirer is not protected (no TLS) another payment's
	// answer could be given in its place; the answer to an inquiry names it.
	ConfirmAnswers bool
	// KeepLateAborts: money that was taken before its abort came is kept.
	// Otherwise it is refunded in full.
	KeepLateAborts bool
}

// Input is something that happened to a payment or a refund: [Tick], [Restart],
// [Answered], [Abort], [Resolve], [Reversed] or [Turn].
type Input interface{ input() }

// Tick says that time has passed. Calling says that an action is still under way.
type Tick struct{ Calling bool }

// Restart says that the row was read from the store by a new process: whatever
// was under way has no one to answer to any more. NewBoot says that the box was
// started anew since, so that its clock may stand anywhere.
type Restart struct{ NewBoot bool }

// Answered says how an action ended.
type Answered struct {
	To     Action
	Asked  time.Time // when the action was begun
	Answer Answer
	Chance float64 // from [0,1), drawn by the caller: the jitter of a resubmission
}

// Abort says that the register wishes the payment away.
type Abort struct{}

// Resolve says how a payment ended, on the word of a person who has looked it up in
// the acquirer's own records. See [Policy.MayResolve].
type Resolve struct {
	Paid    bool
	By      string    // who says so
	Reason  string    // what they saw, and where
	Seen    time.Time // when they looked
	Calling bool      // an action is under way
}

// Reversed says how the refund of a payment that was aborted too late stands.
type Reversed struct{ Status RefundStatus }

// Turn says that no other refund of the same payment is under way any more.
type Turn struct{}

func (Tick) input()     {}
func (Restart) input()  {}
func (Answered) input() {}
func (Abort) input()    {}
func (Resolve) input()  {}
func (Reversed) input() {}
func (Turn) input()     {}
