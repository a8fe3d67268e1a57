package queue

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Resubmission: from 250 ms, doubling, to 5 s, each varied by up to a fifth so
// that a shop's registers do not strike together when the network returns.
const (
	resubmitFirst  = 250 * time.Millisecond
	resubmitMost   = 5 * time.Second
	resubmitFactor = 2
	resubmitSpread = 0.2
)

// Inquiry of a payment in doubt: at the configured interval first, then ever
// slower, then hourly, for as long as it takes.
const (
	inquiriesEager  = 20
	inquirySlow     = 5 * time.Minute
	inquiriesSlow   = 12 // at inquirySlow, before the pace becomes hourly
	inquiryForever  = time.Hour
	inquirySlowing  = 2
	intervalsAtMost = 64 // no schedule is walked further than this
)

// resubmitDelay is how long to wait after attempt n (from 1) went unanswered.
// chance is from [0,1) and decides the jitter.
func resubmitDelay(n int, chance float64) time.Duration {
	b := &backoff.ExponentialBackOff{
		InitialInterval: resubmitFirst,
		MaxInterval:     resubmitMost,
		Multiplier:      resubmitFactor,
		// The jitter is applied below, from chance: the library would draw its own.
		// It reads no clock either: what limits a payment is its window.
		Clock: stillClock{},
	}
	b.Reset()
	d := resubmitFirst
	for range min(max(n, 1), intervalsAtMost) {
		d = b.NextBackOff()
	}
	return time.Duration(float64(d) * (1 - resubmitSpread + 2*resubmitSpread*chance))
}

// stillClock stands still: the library asks for the time and needs none.
type stillClock struct{}

func (stillClock) Now() time.Time { return time.Time{} }

// inquiryDelay is how long to wait after inquiry n (from 1) of a payment in
// doubt left it open.
func inquiryDelay(interval time.Duration, n int) time.Duration {
	if n < inquiriesEager {
		return interval
	}
	d := interval
	for i := inquiriesEager; i <= n && d < inquirySlow; i++ {
		d *= inquirySlowing
		if d >= inquirySlow {
			return slowInquiryDelay(interval, n-i)
		}
	}
	return max(d, interval)
}

// slowInquiryDelay is the pace once it has slowed to five minutes, n inquiries ago.
func slowInquiryDelay(interval time.Duration, n int) time.Duration {
	if n < inquiriesSlow {
		return max(inquirySlow, interval)
	}
	return max(inquiryForever, interval)
}
