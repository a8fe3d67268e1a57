// Package antom calls version 2 of Antom's in-store API: diagnosis, pay,
// inquiryPayment, refund and inquiryRefund, over signed and encrypted HTTP.
//
// # What a nil error means
//
// err == nil is knowledge: Antom's own word, signed by Antom's key, decrypted,
// parsed, and fitting the question that was asked. A decline is such a word,
// so it is a value and never an error. err != nil is ignorance, and always an
// [*Error]; its field Sent tells "provably no byte of the request left" from
// "nobody knows". No error ever means that a payment failed.
//
// # What may be concluded
//
// [ConcludePay], [ConcludeInquiry], [ConcludeRefund] and [ConcludeInquiryRefund]
// are functions of a call's two results: they say what the answer, or the lack of
// one, means. What it means for a payment depends on more, which only its keeper
// knows: whether an earlier attempt may still arrive, since when it has been quiet,
// and whether the time to pay is over. Two conclusions leave room for that. Refused
// is "failed" once nothing earlier can take effect any more; NotFound is "failed"
// then too, and "the same again" while there is time. That half is
// queue.Policy.Step, as pure as this one: a clock and a row stay out of this
// package, and Antom's words out of that one. README.md lists the rows and the
// tests that hold them, each half alone and both together.
//
// # Whom to believe
//
// Only a valid signature makes an answer. It does not tie the answer to its
// question, so an answer must also carry our own Client-Id, must not name
// another payment than the one asked about, and must not be older than the
// request: its own, signed time may lie before the moment the request left by
// no more than the measured difference of the clocks and one minute. The
// signed path tells the five calls apart. One answer counts for one question: the
// last 1024 signatures are remembered, for within that minute nothing else tells a
// decline of one payment from that of the next. Whoever keeps payments must add
// two checks that this package cannot make: a paymentId that belongs to another
// payment already is no answer either, nor is one about another amount.
//
// Over plain http somebody can hold an answer back, unheard by us, and give it to
// another question of the same call within the minute. So there an answer that says
// something of a payment or a refund must name it: an inquiry's with S, or with
// "there is none", and a refund's with S. One that does not is no answer, where over
// TLS a missing name is taken, since no field of a response is promised. A pay
// answer has no name to carry, and no way to be tied: whoever keeps payments must
// have an inquiry confirm it. A gateway that never names what it does not know
// leaves a payment in doubt over plain http, until it is reached over https.
//
// The difference of the clocks is measured in three ways. Where nobody can
// forge it, over TLS or on loopback, the Date of a response sets it both ways.
// Over plain http it is taken from verified answers and only rises by them, since
// a signed time can be old but never early: whoever replays recorded answers
// can not turn the clock back. Where a verified answer is too old, the terminal's
// clock may be behind ours, or have been set back. Then, at most every 30 s, Antom
// is asked the time in a way that no recording can answer: an inquiryPayment about
// an id that was drawn that moment. An answer that carries that id was signed after
// the question left, so its time sets the clock both ways, and the answer that was
// too old is judged anew. A gateway that does not name an id it does not know can't
// be measured so: it is refused until either clock is set, and one that was set back
// until the agent starts again. That is safe, since a refused answer is ignorance
// and never an outcome, and it is loud. The error names both clocks and what to do.
// A difference above 30 s is warned of, once.
//
// Certificates are judged by our clock, but never by one before Options.NotBefore,
// and, where one is out of its time by that, at the next connection by Antom's as it
// was measured over TLS; so a jump of ours in the middle of the day shuts nobody out.
// Verification is never switched off.
//
// The HTTP status decides little: a 5xx, a redirect, HTML, a truncated body or
// one without a result is no answer; a signed result is one, also at 400.
// What an answer without trust said is kept in [Error] for the log, under
// names that begin with Untrusted.
//
// # Order of things
//
// A request is marshalled, then encrypted, then signed: the signature covers
// exactly the bytes that are sent, so the ciphertext. A pay request can be made so
// ahead of its time ([Client.PreparePay]). An answer is read whole (1 MiB at
// most), verified, then decrypted, then parsed. Nothing is ever sent twice by this
// package or by net/http beneath it, no redirect is followed and no proxy is
// asked. How long a call may take is said by its context alone.
//
// Connections are kept for 55 s after a call, and probed meanwhile; [Client.Warm]
// opens one ahead of a sale. It asks for a diagnosis to do so: net/http keeps no
// connection that has carried no request, and one kept by other means could die
// unnoticed, so that a sale would be sent into it.
//
// # Settings that exist because Antom leaves something unpublished
//
//   - Options.Cipher: mode, padding and encoding of the encryption. The default
//     of the house is "ecb" with PKCS#7; "cbc" and "gcm" carry their random
//     IV or nonce in front of the ciphertext.
//   - Options.Encryption "off": whether every gateway insists on it, as the table
//     of headers does.
//   - Options.KeyVersion: which number Antom gives our key; its examples say 1.
//   - Options.URIPrefix: whether a gateway that is reached under another path
//     signs the path called or its own.
//   - Options.SendExtendInfo: the overview requires extendInfo in every
//     request, the pages of the calls do not list it.
//   - PayRequest.PaymentMethod is passed through, as the list of its values is
//     not published.
//   - Request-Time and Response-Time are both taken from an answer, and a time in
//     v1's milliseconds: the two versions' pages differ.
//   - The tolerance for clocks (a minute), and the lengths marked as ours beside the
//     fields of the requests, are ours for the same reason.
package antom
