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
// # What the caller owes the machine
//
// [Policy.Step] is a function of its arguments: no clock, disk, wire or chance.
// It returns the new row and at most one [Action]. The new row must be on the
// disk before the action is performed and before anybody is told of it. The
// [Worker] keeps that duty for everything in this package.
//
// # What is known
//
// "Not paid" is said in three cases only: the acquirer said so in an answer that
// could be trusted; or nothing ever left this box; or the acquirer does not know
// the payment at a time when no attempt can still be on its way to it. The
// acquirer's silence is none of them.
package queue
