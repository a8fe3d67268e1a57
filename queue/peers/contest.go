package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// contender does one thing again and again for a while.
type contender struct {
	name string
	// turn does so until the time is over, and returns how often.
	turn func(ctx context.Context, until time.Time) (int, error)
}

// contest has contenders take turns, and returns what each did in a second, round
// by round. The first round warms up and is left out.
func contest(ctx context.Context, b *bench, list []contender) ([][]float64, error) {
	rates := make([][]float64, len(list))
	for round := range b.rounds + 1 {
		b.progress("round %d of %d", round, b.rounds)
		for i := range list {
			i = (i + round) % len(list) // nobody always follows the same one
			from := time.Now()
			n, err := list[i].turn(ctx, from.Add(b.turn))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list[i].name, err)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if round > 0 {
				rates[i] = append(rates[i], float64(n)/time.Since(from).Seconds())
			}
		}
	}
	return rates, nil
}

// spread is a figure over the rounds.
type spread struct{ low, median, high float64 }

func spreadOf(list []float64) spread {
	if len(list) == 0 {
		return spread{}
	}
	list = slices.Sorted(slices.Values(list))
	return spread{list[0], list[len(list)/2], list[len(list)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median, s.low, s.high) }

// ratio is a over b, each round by itself, times a factor.
func ratio(a, b []float64, times float64) spread {
	var list []float64
	for i := range a {
		list = append(list, times*a[i]/b[i])
	}
	return spreadOf(list)
}

// row is a line of the table.
type row struct {
	what  string
	got   string
	aim   string
	holds bool
}

func (r row) print() {
	mark := "holds"
	if !r.holds {
		mark = "MISSED"
	}
	if r.aim == "" {
		mark = ""
	}
	fmt.Printf("%-58s  %-24s  %-10s %s\n", r.what, r.got, r.aim, mark)
}

// atLeast and atMost are lines whose figure has an aim.
func atLeast(what string, s spread, aim float64) {
	row{what, s.String(), fmt.Sprintf(">= %.4g", aim), s.median >= aim}.print()
}

func atMost(what string, s spread, aim float64) {
	row{what, s.String(), fmt.Sprintf("<= %.4g", aim), s.median <= aim}.print()
}

// context is a line of context alone.
func aside(what, format string, args ...any) {
	row{what: what, got: fmt.Sprintf(format, args...)}.print()
}
