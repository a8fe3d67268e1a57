// Package antom calls version 2 of Antom's in-store API: diagnosis, pay,
// inquiryPayment, refund and inquiryRefund, over signed and encrypted HTTP.
//
// # What a nil error means
//
// err == nil is knowledge: Antom's own word, signed by Antom's key, decrypted,
// parsed, and fitting the question that was asked. A decline is such a word,
// so it is a value and never an error. err != nil is ignorance, and always an
// [*Error]; its field Sent tells "provably no byte of the request left" from
// "nobody knows". No error ever means that a payment failed. [ConcludePay] and
// [ConcludeInquiry] turn either into what may be concluded about the payment.
//
// # Whom to believe
//
// Only a valid signature makes an answer. It does not tie the answer to its
// question, so an answer must also carry our own Client-Id, must not name
// another payment than the one asked about, and must not be older than the
// request: its own, signed time may lie before the moment the request left by
// no more than the measured difference of the clocks and one minute. The
// signed path tells the five calls apart. Whoever keeps payments must add one
// check that this package cannot make: a paymentId that belongs to another
// payment already is no answer either.
//
// The difference of the clocks is measured in two ways. Where nobody can
// forge it, over TLS or on loopback, the Date of a response sets it both ways.
// Over plain http it is taken from verified answers and only ever rises, since
// a signed time can be old but never early: whoever replays recorded answers
// can not turn the clock back. A terminal whose clock is more than a minute
// behind ours is therefore refused over plain http until either clock is set,
// and the error says so.
//
// The HTTP status decides little: a 5xx, a redirect, HTML, a truncated body or
// one without a result is no answer; a signed result is one, also at 400.
// What an answer without trust said is kept in [Error] for the log, under
// names that begin with Untrusted.
//
// # Order of things
//
// A request is marshalled, then encrypted, then signed: the signature covers
// exactly the bytes that are sent, so the ciphertext. An answer is read whole
// (1 MiB at most), verified, then decrypted, then parsed. Nothing is ever
// sent twice by this package or by net/http beneath it, no redirect is
// followed and no proxy is asked. How long a call may take is said by its
// context alone.
//
// # Settings that exist because Antom leaves something unpublished
//
//   - Options.Cipher: mode, padding and encoding of the encryption. The default
//     of the house is "ecb" with PKCS#7; "cbc" and "gcm" carry their random
//     IV or nonce in front of the ciphertext.
//   - Options.Encryption "off": whether a gateway insists on it.
//   - Options.URIPrefix: whether a gateway that is reached under another path
//     signs the path called or its own.
//   - Options.SendExtendInfo: the overview requires extendInfo in every
//     request, the pages of the calls do not list it.
//   - PayRequest.PaymentMethod is passed through, as the list of its values is
//     not published.
//   - The tolerance for clocks (a minute) is ours for the same reason.
package antom
