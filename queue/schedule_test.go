package queue

import (
	"testing"
	"time"
)

func TestResubmissionDoublesFromAQuarterSecondToFive(t *testing.T) {
	want := []time.Duration{250, 500, 1000, 2000, 4000, 5000, 5000, 5000}
	for i, w := range want {
		if got := resubmitDelay(i+1, 0.5); got != w*time.Millisecond {
			t.Errorf("after attempt %d: %v, want %v", i+1, got, w*time.Millisecond)
		}
	}
	if got := resubmitDelay(1_000_000, 0.5); got != resubmitMost {
		t.Errorf("after a million attempts: %v, want %v", got, resubmitMost)
	}
}

func TestResubmissionJitterStaysWithinAFifth(t *testing.T) {
	for _, chance := range []float64{0, 0.25, 0.999} {
		got := resubmitDelay(3, chance)
		if got < 800*time.Millisecond || got > 1200*time.Millisecond {
			t.Errorf("chance %v: %v is not within a fifth of 1s", chance, got)
		}
	}
	if resubmitDelay(3, 0) == resubmitDelay(3, 0.9) {
		t.Error("chance makes no difference")
	}
}

func TestInquiriesSlowDownAndNeverEnd(t *testing.T) {
	const interval = 3 * time.Second
	var total time.Duration
	last := time.Duration(0)
	for n := 1; n <= 60; n++ {
		d := inquiryDelay(interval, n)
		if d < last {
			t.Fatalf("inquiry %d: the pause falls from %v to %v", n, last, d)
		}
		total, last = total+d, d
		switch {
		case n < 20 && d != interval:
			t.Errorf("inquiry %d: pause %v, want the interval", n, d)
		case n == 20 && d != 2*interval:
			t.Errorf("inquiry 20: pause %v, want twice the interval", d)
		}
	}
	if last != time.Hour {
		t.Errorf("the pace ends at %v, want an hour", last)
	}
	if atSlow := inquiryDelay(interval, 27); atSlow != 5*time.Minute {
		t.Errorf("inquiry 27: pause %v, want five minutes", atSlow)
	}
	if d := inquiryDelay(interval, 1<<30); d != time.Hour {
		t.Errorf("after a billion inquiries: %v, want an hour", d)
	}
}

func TestALongInquiryIntervalIsKept(t *testing.T) {
	for _, n := range []int{1, 20, 30, 100} {
		if d := inquiryDelay(2*time.Hour, n); d < 2*time.Hour {
			t.Errorf("inquiry %d: %v is sooner than the interval that was asked for", n, d)
		}
	}
}
