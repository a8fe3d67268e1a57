package main

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// clockFacts is what this box says of its own clock.
type clockFacts struct {
	now      time.Time
	earliest time.Time // the program was written then
	known    bool      // whether the kernel said if anybody keeps the clock right
	synced   bool
}

// lookAtClock compares the clock with the date of this build, and asks the kernel
// whether anybody keeps it right.
func lookAtClock(_ context.Context, p *patient) []finding {
	f := clockFacts{now: p.now(), earliest: earliest()}
	f.synced, f.known = clockSynced()
	return f.judge()
}

// clockSynced asks the kernel: adjtimex(2), STA_UNSYNC. An NTP client clears it.
func clockSynced() (synced, known bool) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unix.STA_UNSYNC == 0, true
}

// setClock is how a clock is set right.
const setClock = "sudo timedatectl set-ntp true; without a network: sudo timedatectl set-ntp false && sudo timedatectl set-time 'YYYY-MM-DD hh:mm:ss'"

func (f clockFacts) judge() []finding {
	const check = "clock"
	shows := f.now.Format("2006-01-02 15:04:05 -07:00")
	switch {
	case f.now.Before(f.earliest):
		return []finding{fault(check, setClock, "it shows %s, before this program was written (%s): the agent signs nothing, and refuses payments with AGENT_CLOCK",
			shows, f.earliest.Format(time.DateOnly))}
	case farAhead(f.now) && !f.synced:
		return []finding{fault(check, setClock, "it shows %s, %d years after this program was written, and nobody keeps it right: unless Antom confirms it, the agent refuses payments with AGENT_CLOCK",
			shows, int(f.now.Sub(f.earliest).Hours()/24/365))}
	case f.known && !f.synced:
		return []finding{warning(check, "sudo timedatectl set-ntp true", "it shows %s; nobody keeps it right (the kernel's clock is not synchronized)", shows)}
	case !f.known:
		return []finding{note(check, "it shows %s; the kernel does not say whether it is kept right", shows)}
	}
	return []finding{fine(check, "it shows %s and is synchronized", shows)}
}
