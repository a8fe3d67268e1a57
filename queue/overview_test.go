package queue

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"
)

// What the worker holds and what is found beside it are the same, and counted alike.
func TestAnOverviewIsTheSameFromInsideAndOutside(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		var commits []time.Duration
		a := start(t, path, bank, func(o *Options) { o.Saved = func(took time.Duration) { commits = append(commits, took) } })
		defer a.stop(t)
		bank.treatAs("DOUBT", slices.Repeat([]behaviour{{lost: true}}, 1000)...)
		a.pay(t, "lane1", "DOUBT")
		time.Sleep(5 * time.Minute)
		a.pay(t, "lane1", "PAID")
		a.until(t, "PAID", Paid, time.Minute)
		bank.treatAs("OPEN", behaviour{mute: true})
		open := a.pay(t, "lane2", "OPEN")
		time.Sleep(time.Second)

		watched, err := a.Watch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got := watched.Overview
		if got.Open != 2 || got.InWindow != 1 || got.InDoubt != 1 || got.Undelivered["lane1"] != 1 || len(got.Undelivered) != 1 {
			t.Errorf("counted %+v, want two open, one of them in doubt, and one end untold", got)
		}
		if len(got.Oldest) != 2 || got.Oldest[0].ID != "DOUBT" || !got.Oldest[0].InDoubt || got.Oldest[1].ID != "OPEN" {
			t.Errorf("the oldest are %+v", got.Oldest)
		}
		if !got.WindowEnds.Equal(open.Deadline) {
			t.Errorf("the last window ends %v, want %v", got.WindowEnds, open.Deadline)
		}
		if watched.Ended[Paid] != 1 || watched.UnderWay == 0 || watched.LastSeq != 1 || len(commits) < 4 {
			t.Errorf("ended %v, %d calls under way, seq %d, %d commits", watched.Ended, watched.UnderWay, watched.LastSeq, len(commits))
		}
		v, err := OpenView(path)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		s, err := v.Summary(context.Background(), time.Time{}, time.Now())
		if outside := s.Overview; err != nil || !alike(got, outside) {
			t.Errorf("from outside %+v, %v; from inside %+v", outside, err, got)
		}
	})
}

// alike compares without the monotonic clock, which no file holds.
func alike(a, b Overview) bool {
	for _, o := range []*Overview{&a, &b} {
		o.WindowEnds = time.UnixMilli(o.WindowEnds.UnixMilli())
		o.Oldest = slices.Clone(o.Oldest)
		for i := range o.Oldest {
			o.Oldest[i].ReceivedAt = time.UnixMilli(o.Oldest[i].ReceivedAt.UnixMilli())
		}
	}
	return reflect.DeepEqual(a, b)
}

func TestTheOldestFewAreNamedInOrder(t *testing.T) {
	var o Overview
	for _, n := range []int{7, 2, 9, 4, 1, 8, 3} {
		o.open(Brief{ID: string(rune('0' + n)), ReceivedAt: time.Unix(int64(n), 0)})
	}
	names := ""
	for _, b := range o.Oldest {
		names += b.ID
	}
	if names != "12347" || o.Open != 7 {
		t.Errorf("named %s of %d, want 12347 of 7", names, o.Open)
	}
}

// New terms hold from the next payment on; what is under way keeps its window.
func TestTermsChangeBetweenPayments(t *testing.T) {
	bubble(t, func(t *testing.T, path string, bank *acquirer) {
		a := start(t, path, bank)
		defer a.stop(t)
		bank.treatAs("BEFORE", behaviour{mute: true})
		before := a.pay(t, "lane1", "BEFORE")
		terms := Terms{Window: 7 * time.Second, PayTimeout: time.Second, InquiryTimeout: time.Second, RefundTimeout: time.Second,
			Retention: time.Hour, Policy: Policy{InquiryInterval: time.Second, QuietTime: time.Second}}
		told := -1
		if err := a.Adopt(context.Background(), func(open int) Terms { told = open; return terms }); err != nil || told != 1 {
			t.Errorf("adopted: %v, with %d open, want 1", err, told)
		}
		if after := a.row(t, "BEFORE"); !after.Deadline.Equal(before.Deadline) {
			t.Errorf("the window under way ends %v, before it ended %v", after.Deadline, before.Deadline)
		}
		p := a.pay(t, "lane2", "AFTER")
		if got := p.Deadline.Sub(p.ReceivedAt); got != 7*time.Second {
			t.Errorf("the next window is %v, want 7s", got)
		}
	})
}
