package antom

import (
	"crypto/sha256"
	"sync"
)

// heardLimit is how many answers are remembered. An answer can be replayed for
// about a minute before it is too old; a gateway would have to give 17 answers a
// second for one to be forgotten in that time.
const heardLimit = 1024

// heard remembers the last answers that carried Antom's signature. A signature
// covers the answer's time to the millisecond and, encrypted, a fresh key's
// ciphertext, so Antom does not make the same one twice: an answer that was
// heard before is replayed. This matters where nothing else tells, as with an F
// PAYMENT_FAIL, which names no payment, of half a minute ago.
type heard struct {
	mu    sync.Mutex
	next  int
	sums  [heardLimit][sha256.Size]byte
	known map[[sha256.Size]byte]struct{}
}

// again notes a verified signature and reports whether it was noted before.
func (h *heard) again(signature []byte) bool {
	sum := sha256.Sum256(signature)
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, found := h.known[sum]; found {
		return true
	}
	if h.known == nil {
		h.known = make(map[[sha256.Size]byte]struct{}, heardLimit)
	}
	delete(h.known, h.sums[h.next]) // the oldest; at first a sum that nothing has
	h.sums[h.next], h.known[sum] = sum, struct{}{}
	h.next = (h.next + 1) % heardLimit
	return false
}
