package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"posagent/queue"
)

// lookAtStore reads every row of the store, with or without an agent at work on it,
// and writes nothing.
func lookAtStore(ctx context.Context, p *patient) []finding {
	if p.s.Store.Path == "" {
		return nil
	}
	f := storeFacts{path: p.s.Store.Path, aside: setAside(p.s.Store.Path), config: p.file}
	_, err := os.Stat(f.path)
	if f.missing = errors.Is(err, os.ErrNotExist); f.missing {
		return f.judge()
	}
	view, err := queue.OpenView(f.path)
	if f.err = err; err != nil {
		return f.judge()
	}
	defer func() { _ = view.Close() }() // only read
	now := p.now()
	if f.summary, f.err = view.Summary(ctx, now.Add(-24*time.Hour), now); f.err != nil {
		return f.judge()
	}
	f.verified, f.err = view.Verify(ctx, nil)
	f.cut = f.err != nil && ctx.Err() != nil
	return f.judge()
}

// setAside are damaged stores that were replaced and kept.
func setAside(path string) []string {
	list, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		return nil // the path has letters that a pattern takes otherwise
	}
	return list
}

// storeFacts is what was found out about the store.
type storeFacts struct {
	path     string
	config   string
	missing  bool
	err      error
	cut      bool // there was no time to read all of it
	summary  queue.Summary
	verified queue.Verified
	aside    []string
}

func (f storeFacts) judge() []finding {
	const check = "store"
	switch {
	case f.missing:
		return []finding{note(check, "%s is not there yet; the agent makes it at its first start", f.path)}
	case errors.Is(f.err, os.ErrPermission):
		return []finding{note(check, "%s can't be read as this user; run doctor as root", f.path)}
	case errors.Is(f.err, queue.ErrDamaged):
		return []finding{fault(check, "restart the agent: it keeps the damaged file, carries over what can be believed, and asks Antom about the rest", "%v", f.err)}
	case f.err != nil && !f.cut:
		return []finding{fault(check, "do what it says; until then the agent does not start", "%v", f.err)}
	}
	s, list := f.summary, []finding(nil)
	switch {
	case len(f.verified.Damaged) > 0 || f.verified.Partial || s.Partial:
		list = append(list, fault(check, "restart the agent: it keeps the damaged file, carries over what can be believed, and asks Antom about the rest",
			"%s is damaged: %s can't be believed", f.path, count(len(f.verified.Damaged), "row")))
	case f.cut:
		list = append(list, note(check, "%s is large: %s were read in the time there is, and are whole", f.path, count(f.verified.Rows, "row")))
	default:
		list = append(list, fine(check, "%s is whole: %s, %s, %s", f.path, count(s.Payments, "payment"), count(s.Refunds, "refund"), bytesText(uint64(s.Bytes))))
	}
	if s.InDoubt > 0 {
		list = append(list, warning(check, "posagent payments -config "+shellWord(f.config)+", then posagent explain ID for each",
			"%s in doubt: the agent goes on asking Antom; do not charge again", count(s.InDoubt, "payment")))
	}
	if !s.RowsLostAt.IsZero() {
		list = append(list, note(check, "rows were lost to a damaged file at %s; what is missing is asked about, never called unpaid", s.RowsLostAt.Format(time.DateTime)))
	}
	for _, kept := range f.aside {
		list = append(list, note(check, "a damaged store was set aside as %s: keep it until its payments are settled", kept))
	}
	return list
}
