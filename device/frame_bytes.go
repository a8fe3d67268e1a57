package device

import (
	"fmt"
	"hash/crc32"
	"strconv"
)

// encode makes the frame that carries body under seq. A body that no frame can
// carry is a programmer's error: bodies are made in response.go, which escapes
// and bounds them.
func encode(seq uint8, body []byte) []byte {
	if len(body) < leastBody || len(body) > mostBody {
		panic(fmt.Sprintf("device: a body of %d bytes", len(body)))
	}
	frame := make([]byte, 0, 1+headBytes+len(body)+checkBytes+1)
	frame = fmt.Appendf(frame, "%c%c%02X%04d", stx, frameVersion, seq, len(body))
	frame = append(frame, body...)
	for _, b := range body {
		if b < firstPrintable || b > lastPrintable {
			panic(fmt.Sprintf("device: byte %02X in a body", b))
		}
	}
	return fmt.Appendf(frame, "%08X%c", crc32.ChecksumIEEE(frame[1:]), etx)
}

// encodeAck makes an acknowledgement; sign is ack or nak.
func encodeAck(sign byte, seq uint8) []byte {
	return fmt.Appendf(nil, "%c%02X", sign, seq)
}

// seqText is a SEQ as it stands in a frame and in the member re.
func seqText(seq uint8) string { return fmt.Sprintf("%02X", seq) }

func hexDigit(b byte) (uint32, bool) {
	switch {
	case b >= '0' && b <= '9':
		return uint32(b - '0'), true
	case b >= 'A' && b <= 'F':
		return uint32(b-'A') + 10, true
	}
	return 0, false
}

func parseSeq(high, low byte) (uint8, bool) {
	h, okHigh := hexDigit(high)
	l, okLow := hexDigit(low)
	if !okHigh || !okLow {
		return 0, false
	}
	return uint8(h<<4 | l), true
}

func parseLength(digits []byte) (int, bool) {
	for _, b := range digits {
		if b < '0' || b > '9' {
			return -1, false
		}
	}
	length, err := strconv.Atoi(string(digits))
	if err != nil || length < leastBody {
		return -1, false
	}
	return length, true
}

func parseCheck(digits [checkBytes]byte) (uint32, bool) {
	var crc uint32
	for _, b := range digits {
		digit, ok := hexDigit(b)
		if !ok {
			return 0, false
		}
		crc = crc<<4 | digit
	}
	return crc, true
}
