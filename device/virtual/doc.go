// Package virtual is a cash register in software, with the cable it hangs on.
//
// It speaks the register link, version 1, from the register's side, and it
// shares no code with the agent's side: the worked bytes of the protocol are
// what joins the two. The parts, from the copper upwards:
//
//	Cable     a pty pair that stands for a serial cable
//	BadLine   a wrapper that damages what passes, by seed
//	scanner   bytes to frames and acknowledgements (pure)
//	link      the rules of sending, repeating and timing (pure)
//	Register  the loop that owns a line and gives link its bytes and its time
//	Notebook  what a till must not forget, on disk
//	Till      a sale from the id written down to the outcome delivered
package virtual
