package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"posagent/queue"
)

// busyReport is of a shop with that many linked lines, long names and times, and a
// backlog.
func busyReport(lines int) report {
	is := emptyReport(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
	started := is.At.Add(-time.Hour)
	is.Config, is.Running, is.StartedAt = "/etc/posagent/posagent.toml", true, &started
	for i := range lines {
		is.Registers = append(is.Registers, registerReport{Name: fmt.Sprintf("self-checkout-%02d", i), Configured: true, PortOpen: true, LinkUp: true, Undelivered: 12,
			Port: fmt.Sprintf("/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3-if00-port%d", i), Frames: &framesOf{In: 81000 + int64(i), Damaged: 345, Resent: 678}})
	}
	is.Antom = antomReport{BaseURL: "https://open-sea-global.alipay.com/" + strings.Repeat("path/", 14) + "v2", Asked: true, Reachable: true, Since: &started}
	var o queue.Overview
	o.Open = 5
	for i := range 5 {
		o.Oldest = append(o.Oldest, queue.Brief{ID: fmt.Sprintf("R%060d", i), State: "unresolved", InDoubt: true, AmountMinor: 1<<31 - 1, Currency: "SGD", ReceivedAt: started})
	}
	is.Payments.overview(o)
	yes := true
	is.Store = storeReport{Path: "/var/lib/posagent/posagent.db", Bytes: 1000 << 20, WALBytes: 1000 << 20, Writable: &yes, P50Seconds: 0.0999, P99Seconds: 12.34}
	return is
}

// What tells of a bad cable or a slow disk is not cut off, however full the screen is.
func TestTheScreenShowsEveryNumber(t *testing.T) {
	for lines := range 6 {
		text := drawn(screen(busyReport(lines), time.UTC), false)
		wantSays(t, unfolded(text), "commits 99.9 ms, 1 in 100 over 12.3 s")
		for i := range lines {
			wantSays(t, unfolded(text), fmt.Sprintf("port%d linked", i), fmt.Sprintf("; %d frames, 345 bad, 678 resent", 81000+i))
		}
	}
	text := drawn(screen(busyReport(1), time.UTC), false)
	wantSays(t, text, "12 not delivered")
	wantSays(t, strings.Join(strings.Fields(text), ""), busyReport(1).Antom.BaseURL, busyReport(1).Payments.Oldest[4].ID)
}

func TestALargeDifferenceOfTheClocksIsSaidInWords(t *testing.T) {
	for seconds, want := range map[float64]string{
		-0.24: "-0.2 s from ours", 75.3: "1m15s ahead of ours", -413338126: "13 years behind ours", 250000.5: "2 days ahead of ours",
	} {
		is := busyReport(1)
		is.Antom.AheadSeconds = &seconds
		wantSays(t, unfolded(drawn(screen(is, time.UTC), false)), "its clock "+want)
	}
}
