// Package queue is the life of a payment: the machine that decides, the row that
// remembers, and the worker that acts.
//
// # The states
//
//	              nothing left            may have left
//	Enqueue ──────────────────────────────► sending ─────────────► paid
//	            received ─────────────────►  │ ▲  │                failed
//	               ▲     the same pay again  │ │  └─ window over   cancelled
//	               └─────────────────────────┘ │     ▼                ▲
//	                 provably not sent         │  unresolved ─────────┘
//	                                           └──┘ only asks
//
// A payment is stored as sending, for from that write on its request may leave
// at any moment, and a row that says so is true after a power cut too. It falls
// back to received when every attempt so far provably never left this box. Both
// live inside the payment window, and only there may the agent pay. When the
// window is over a payment that may have left is unresolved: the agent asks and
// asks, and never pays again. Paid, failed and cancelled are final and are never
// left.
//
// The arrows, one by one; a test holds them against what the machine does:
//
//	begin → sending               stored, and from now on it may leave
//	sending → received            provably nothing has left this box
//	received → sending            the same pay again
//	sending → unresolved          the window is over, or an abort is wished
//	sending → paid, failed        the acquirer says so, or knows nothing of what it refused
//	sending → cancelled           the acquirer says so
//	received → failed, cancelled  the window is over, or an abort is wished: nothing left
//	unresolved → paid, failed     the acquirer says so, or knows nothing and nothing can be on its way
//	unresolved → cancelled        the same, and an abort was wished
//	resolve unresolved → paid, failed, cancelled  a person has looked it up at the acquirer
//
// # The states of a refund
//
//	         its turn            taken on, and named
//	waiting ──────────► sending ◄─────────────────────► asking
//	                    │ ▲ │    not known by that name     │
//	                    │ └─┘ no answer: the same again     │
//	                    └────────► refunded, refused ◄──────┘
//
// A refund has no window: it is money owed to the customer. Refunds of one payment
// go one at a time. The request goes out again, always the same, until it is
// answered; once the acquirer has named the refund it is asked what became of it.
// An abort that came too late becomes a refund too, the reversal of its payment,
// under an id that derives from the payment's.
//
//	refund begin → waiting, sending    another one goes first, or none does
//	refund waiting → sending           its turn
//	refund sending → asking            the acquirer has taken it on and named it
//	refund asking → sending            the acquirer does not know it by that name
//	refund sending → refunded          the acquirer says so
//	refund sending → refused           the acquirer says so twice, and nothing else can be on its way
//	refund asking → refunded, refused  the acquirer says so
//
// # What the caller owes the machine
//
// [Policy.Step] is a function of its arguments: no clock, disk, wire or chance.
// It returns the new row and at most one [Action]. The new row must be on the
// disk before the action is performed and before anybody is told of it. A request
// may be made ready meanwhile: nothing of it leaves. The [Worker] keeps that duty
// for everything in this package.
//
// # What is known
//
// "Not paid" is said in four cases only: the acquirer said so in an answer that
// could be trusted; or nothing ever left this box; or the acquirer does not know
// the payment at a time when no attempt can still be on its way to it; or a person
// has looked it up in the acquirer's own records, at such a time, and puts their
// name to it ([Resolve]). The acquirer's silence is none of them.
package queue
