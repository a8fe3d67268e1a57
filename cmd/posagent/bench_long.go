package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// memoryReport is what many sales do to the agent's memory.
type memoryReport struct {
	Sales          int     `json:"sales"`
	SalesPerSecond float64 `json:"salesPerSecond"`
	CPUMicrosASale float64 `json:"cpuMicrosASale"`
	AtATenthKiB    int64   `json:"residentAfterATenthKiB"`
	AtTheEndKiB    int64   `json:"residentAtTheEndKiB"`
	MostKiB        int64   `json:"residentMostKiB"`
	AnonymousTenth int64   `json:"anonymousAfterATenthKiB"`
	AnonymousAtEnd int64   `json:"anonymousAtTheEndKiB"`
	// Every20th is what was resident after each twentieth of the sales.
	Every20th []int64 `json:"residentAfterEachTwentiethKiB"`
}

// memoryLines are registers that sell at once, so that it takes minutes and not
// hours.
const memoryLines = 4

// benchMemory plays n sales and watches the agent's memory.
func benchMemory(ctx context.Context, s *benchStage, n int, say func(done, of int)) (memoryReport, error) {
	r := memoryReport{Sales: n}
	pid := s.agent.cmd.Process.Pid
	before, err := usageOf(pid)
	if err != nil {
		return r, err
	}
	began := time.Now()
	step := max(n/20, 1)
	for done := 0; done < n; done += step {
		if err := s.sellMany(ctx, done, min(step, n-done)); err != nil {
			return r, err
		}
		now, err := usageOf(pid)
		if err != nil {
			return r, err
		}
		if done <= n/10 {
			r.AtATenthKiB, r.AnonymousTenth = now.residentKiB, now.anonymousKiB
		}
		r.AtTheEndKiB, r.AnonymousAtEnd = now.residentKiB, now.anonymousKiB
		r.Every20th = append(r.Every20th, now.residentKiB)
		r.MostKiB = max(r.MostKiB, now.residentKiB)
		r.CPUMicrosASale = float64((now.cpu - before.cpu).Microseconds()) / float64(done+min(step, n-done))
		say(min(done+step, n), n)
	}
	r.SalesPerSecond = float64(n) / time.Since(began).Seconds()
	return r, nil
}

// sellMany sells n payments on all lines together.
func (s *benchStage) sellMany(ctx context.Context, from, n int) error {
	var next atomic.Int64
	var lines sync.WaitGroup
	failed := make(chan error, len(s.tills))
	for line := range s.tills {
		lines.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := s.sell(ctx, line, fmt.Sprintf("MANY_%07d", from+i)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	lines.Wait()
	close(failed)
	s.stamps.forget()
	return <-failed // nil where none failed
}

// idleReport is what the agent uses while nothing happens.
type idleReport struct {
	Seconds          float64 `json:"seconds"`
	CPUPercent       float64 `json:"cpuPercent"`
	WakeUpsPerSecond float64 `json:"wakeUpsPerSecond"`
}

// settleBefore is how long the agent is left alone before it counts as idle: what a
// sale leaves to do lazily is done by then.
const settleBefore = 15 * time.Second

func benchIdle(ctx context.Context, s *benchStage, during time.Duration, say func(done, of int)) (r idleReport, err error) {
	if err := s.sell(ctx, 0, "BEFORE_IDLE"); err != nil {
		return r, err
	}
	if !pause(ctx, min(settleBefore, during)) {
		return r, context.Cause(ctx)
	}
	pid := s.agent.cmd.Process.Pid
	before, err := usageOf(pid)
	if err != nil {
		return r, err
	}
	began := time.Now()
	for left := during; left > 0; left -= time.Second {
		if !pause(ctx, min(left, time.Second)) {
			return r, context.Cause(ctx)
		}
		say(int((during-left)/time.Second)+1, int(during/time.Second))
	}
	after, err := usageOf(pid)
	took := time.Since(began).Seconds()
	r = idleReport{Seconds: took, CPUPercent: 100 * (after.cpu - before.cpu).Seconds() / took,
		WakeUpsPerSecond: float64(after.wakeUps-before.wakeUps) / took}
	return r, err
}
