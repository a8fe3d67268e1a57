package main

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// clock is this box's clock, with what speaks for and against it. A box whose
// battery is dead comes up in 1970; one whose battery is bad, in any year.
type clock struct {
	now    func() time.Time
	synced func() (synced, known bool)              // what the kernel says
	ahead  func() (ahead time.Duration, known bool) // of Antom's clock before ours, as measured
	log    *slog.Logger
	wrong  atomic.Bool // as said last
}

// confirmed is a difference to Antom's clock with which a clock is called right
// although it is far ahead.
const confirmed = 24 * time.Hour

// clockFault says what is wrong with a clock, or nothing. Before this program was
// written it is wrong for sure. Far ahead it is where Antom's clock contradicts it,
// or where neither Antom nor the kernel confirms it: a program that is old by then
// goes on where either does, and without Antom no payment could be made anyway.
func clockFault(now time.Time, synced bool, ahead time.Duration, measured bool) string {
	shows := now.UTC().Format(time.DateOnly)
	switch {
	case now.Before(earliest()):
		return fmt.Sprintf("it shows %s, before this program was written (%s)", shows, earliest().Format(time.DateOnly))
	case !farAhead(now):
		return ""
	case measured && ahead.Abs() > confirmed:
		return fmt.Sprintf("it shows %s, and Antom's %s", shows, now.Add(ahead).UTC().Format(time.DateOnly))
	case !measured && !synced:
		return fmt.Sprintf("it shows %s, and neither NTP nor Antom confirms that", shows)
	}
	return ""
}

// fault says what is wrong with the clock now, or nothing, and logs when that has
// changed.
func (c *clock) fault() string {
	synced, _ := c.synced() // a hardened unit may not ask (ProtectClock=)
	ahead, measured := c.ahead()
	why := clockFault(c.now(), synced, ahead, measured)
	switch wrong := why != ""; {
	case c.wrong.Swap(wrong) == wrong:
	case wrong:
		c.log.Error("the clock of this box is wrong; new payments and refunds are refused with AGENT_CLOCK, what is open stays open, "+
			"and nothing is thrown away for its age, until it is set: "+setClock, "why", why)
	default:
		c.log.Info("the clock of this box is believed again", "shows", c.now())
	}
	return why
}

// believed reports whether the clock may be gone by.
func (c *clock) believed() bool { return c.fault() == "" }
