// Package sandbox stands in for Antom on loopback: it takes signed and
// encrypted calls of API version 2, keeps a ledger of the money that would have
// moved, and can be made to fail in every way a gateway fails, by name.
//
// It is for the demo, for tests and for people who build registers. It is
// strict where the documents are strict, and it shares no code with the caller
// it is there to check. It is unusable in earnest: it serves loopback only,
// forgets everything when it ends, and its payment ids and receipts say so.
//
// Nor is it kind by default. Where the documents leave a gateway a choice it
// alternates from answer to answer: Request-Time or Response-Time, a space
// after the commas of a header or none, a signature URL-encoded or bare, members
// nobody knows, white space. Options.Steady stops that.
//
// A change of keys can be played: Options.NextMerchantKey is known beside the
// caller's key under the next version, Options.NextAntomKey reads what is encrypted
// for it, and signs once Server.ChangeOver was called.
//
// # Cruelties
//
// A cruelty is one way to go wrong. It can be armed for the next n requests of
// a call, by Options.Cruelty, by Server.Arm or by POST /sandbox/cruelties; and
// it can be called from a till, by the last two digits of the amount (in minor
// units) of a payment: 10.63 of a currency with cents hangs after booking. The
// amount acts once, on the first pay request of a paymentRequestId, so that
// repeats meet a well-behaved gateway. No ending is below 61 or divisible by
// five, and 99 is none, so that ordinary prices stay harmless.
//
//	ending  name                 what happens
//	..61    decline              the payment or refund is refused for good and no money moves
//	..62    hang_before          nothing is booked while the request lies unanswered; afterwards it is taken up if the caller is still there
//	..63    hang_after           the money moves, then the request lies unanswered
//	..64    close_before         the connection is closed once the request has been read; nothing is booked
//	..66    close_after          the money moves, then the connection is closed without an answer
//	..67    html_before          a 502 page in HTML; nothing is booked
//	..68    html_after           the money moves, then the answer is a 502 page in HTML
//	..69    unsigned             the true answer without a Signature header
//	..71    wrong_key            the true answer signed with a key that is not Antom's
//	..72    other_bytes          Antom's key, but the signature covers other bytes than the body
//	..73    in_progress          U first; the money moves after some questions, or after a duration
//	..74    not_found            the money moves and the connection is closed; for a duration inquiries do not find the payment
//	..76    truncated_json       the money moves; the answer is signed but its JSON ends in the middle
//	..77    forged_decline       the money moves; the answer is an unsigned failure in the clear, of the very payment asked about
//	..78    no_result            the money moves; the signed answer has no result
//	..79    unknown_status       the money moves; the signed answer's resultStatus is a letter nobody knows
//	..81    forgetful            breaks Antom's promise: a repeat of the same id moves the money again
//	..82    late_arrival         the connection is closed and the request takes effect after a duration, nobody waiting
//	..83    slow_customer        in progress while the call blocks; the money moves after a duration, even if nobody waits any more
//	..84    decline_later        U first; the payment fails after some questions, or after a duration
//	..86    pending              the money moves; PENDING until some questions were asked, or for a duration
//	..87    forged_success       an unsigned S in the clear; nothing is booked
//	..88    cut_answer           the money moves; the connection is closed in the middle of the answer
//	..89    unknown_code         the money moves; the signed answer is F with a code nobody knows
//	..91    system_error         the money moves; the signed answer is F DPOS_SYSTEM_ERROR
//	..92    inconsistent         the money moves; the signed answer is F DPOS_PAYMENT_REPEAT_REQ_INCONSISTENT
//	..93    busy                 the money moves; the signed answer is F TERMINAL_BUSY
//	..94    replayed             an older signed answer to the same call is sent again in place of the true one
//	..96    foreign_payment_id   the true answer, but with the paymentId of another payment
//	..97    clock_off            the true answer, dated and signed a duration in the past
//	..98    trickle              the true answer, a few bytes at a time over a duration
//	-       huge                 the true answer, padded beyond a mebibyte and signed
//	-       not_json             the answer is signed but is not JSON
//	-       other_client         the true answer, signed in the name of another Client-Id
//	-       other_id             the true answer, but it speaks of another paymentRequestId, refundRequestId or refundId
//	-       unnamed              the true answer without the id that was asked about
//	-       response_time        the true answer, its time in Response-Time only
//	-       amounts_as_strings   the true answer, its amounts as digits in a string
//	-       wrong_encryption     the true answer, signed, but encrypted for somebody else's key
//	-       refuse               the connection is closed, and for a duration nobody listens: new ones are refused
package sandbox
