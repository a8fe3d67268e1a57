package device

import "time"

// Constants of the specification. None of them is ours to change.
const (
	stx byte = 0x02 // register-link §2, offset 0
	etx byte = 0x03 // register-link §2, offset 16+LEN
	ack byte = 0x06 // register-link §2, the frame arrived whole
	nak byte = 0x15 // register-link §2, it did not

	frameVersion byte = '1' // register-link §2, offset 1

	headBytes  = 7 // register-link §2: version, SEQ and LEN, counted after STX
	checkBytes = 8 // register-link §2: CRC-32 in upper-case hex

	leastBody = 2    // register-link §2: LEN from 0002, the empty object
	mostBody  = 9999 // register-link §2: LEN has four digits

	firstPrintable byte = 0x20 // register-link §2: all between STX and ETX
	lastPrintable  byte = 0x7e

	defaultMaxBody = 4096 // register-link §2: what A accepts unless maxBody was agreed
	leastMaxBody   = 512  // register-link §3, initConnection

	defaultAckGap = 20 * time.Millisecond // register-link §2

	timeT1          = 500 * time.Millisecond // between two bytes of a frame
	timeT2          = time.Second            // to the ACK, besides the frame's time on the wire
	timeT3          = 3 * time.Second        // from a request's ACK to its response
	timeT3Diagnosis = 20 * time.Second       // the same of diagnosis
	timeT5          = 10 * time.Second       // an open payment is told of again

	sendsOfAFrame   = 3               // register-link §2, T2
	sameFrameWithin = 5 * time.Second // register-link §2, the same frame again

	firstTellInterval = time.Second      // register-link §4 rule 9
	lastTellInterval  = 60 * time.Second // register-link §4 rule 9

	protocolVersion = "1" // register-link §3, initConnection

	mostDisplayLines   = 2  // register-link §3, payment state
	mostDisplayColumns = 20 // register-link §3, payment state

	mostAmountMinor = 2147483647 // register-link §3
)

// Constants of ours. Another agent could choose otherwise and still be right.
const (
	// requestsUnderWay is how many accepted requests of one register may wait
	// for the engine. A register asks one thing at a time; one that asks more
	// than this without waiting gets no response to the rest, which by
	// register-link §4 rule 4 says nothing about them.
	requestsUnderWay = 8

	// diagnosesUnderWay is how many wait beside them: one that is being made,
	// and one more.
	diagnosesUnderWay = 1

	// The port is tried again at these intervals while it is absent or busy.
	// The longest keeps a re-plugged adapter from waiting two seconds.
	firstOpenInterval = 250 * time.Millisecond
	lastOpenInterval  = time.Second

	// steadyAfter is how long a port must have stayed open for the next
	// opening to start from the shortest interval again.
	steadyAfter = 5 * time.Second

	// writeGrace bounds a write beyond its bytes' own time on the wire.
	writeGrace = time.Second

	// lingerOnClose is how long bytes already written may take to leave the
	// machine when the port is closed; drainPoll is how often that is looked at.
	lingerOnClose = 250 * time.Millisecond
	drainPoll     = 10 * time.Millisecond

	// readBytes is the most that is taken from a port at once.
	readBytes = 4096

	// A recording is at most two files of recordBytes. Of what is still to be
	// written, recordLumps are kept.
	recordBytes = 8 << 20
	recordLumps = 256

	// mostNamed is how many characters of a register's own words (a method, a
	// member's name) are said back to it in an answer.
	mostNamed = 64

	// mostRev keeps rev exact in registers that read numbers as doubles.
	mostRev = 1<<53 - 1
)
