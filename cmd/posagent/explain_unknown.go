package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"posagent/config"
	"posagent/queue"
)

// stranger is an id that the store does not have, and what may help to find it.
type stranger struct {
	now       time.Time
	zone      *time.Location
	id, store string
	registers []string
	near      []queue.Record // under ids spelt much the same
	lostAt    time.Time      // when rows were last lost to a damaged file; zero: never
	aside     []string       // damaged files that were kept
	inAside   *facts         // what one of these says of the id
	asideFile string         // which
	partial   bool
}

// explainUnknown says where else to look. The store not having an id is an answer,
// and yet not what was asked for: exit 1.
func (c command) explainUnknown(ctx context.Context, e env, view *queue.View, cfg config.Config, id string, asJSON bool) int {
	s := stranger{now: time.Now(), zone: time.Local, id: id, store: view.Path()}
	for _, r := range cfg.Registers {
		s.registers = append(s.registers, r.Name)
	}
	if err := s.search(ctx, view, cfg); err != nil {
		return c.failed(e, err)
	}
	if !asJSON {
		fmt.Fprint(e.stdout, s.text())
		return exitFailed
	}
	if err := json.NewEncoder(e.stdout).Encode(s.json()); err != nil {
		return c.failed(e, err)
	}
	return exitFailed
}

func (s *stranger) search(ctx context.Context, view *queue.View, cfg config.Config) error {
	ids, err := view.IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range spelledLike(s.id, ids) {
		if f, err := gather(ctx, view, cfg, id); err == nil && f.damaged == nil {
			s.near = append(s.near, f.record())
		}
	}
	sum, err := view.Summary(ctx, s.now, s.now)
	if err != nil {
		return err
	}
	s.lostAt, s.partial = sum.RowsLostAt, sum.Partial
	return s.searchAside(ctx, cfg)
}

// searchAside looks into the damaged files that were kept, the newest first. They
// may well be unreadable; then they are only named.
func (s *stranger) searchAside(ctx context.Context, cfg config.Config) error {
	var err error
	if s.aside, err = queue.Aside(s.store); err != nil {
		return err
	}
	for _, path := range slices.Backward(s.aside) {
		old, err := queue.OpenView(path)
		if err != nil {
			continue // named all the same
		}
		f, err := gather(ctx, old, cfg, s.id)
		_ = old.Close() // only read
		if err == nil || errors.Is(err, queue.ErrDamaged) {
			f.now, f.zone = s.now, s.zone
			s.inAside, s.asideFile = &f, path
			return nil
		}
	}
	return nil
}

// record is what was asked for.
func (f facts) record() queue.Record {
	if f.refund != nil {
		return queue.Record{Refund: f.refund}
	}
	return queue.Record{Payment: f.payment}
}

// text says what it means that the store does not have the id, and where to look.
func (s stranger) text() string {
	text := paragraph(fmt.Sprintf("The store has no payment, no refund and no mark of an abort under the id %s.", s.id))
	if len(s.near) > 0 {
		text += "\nSpelt much the same\n" + paymentsTable(queue.Listing{Records: s.near}, s.zone)
	}
	text += section("What that means", s.means())
	text += section("Where else to look", s.elsewhere())
	return text + section("May the register send it again?", s.again())
}

func (s stranger) means() []string {
	var list []string
	switch {
	case s.partial:
		list = append(list, "Not that it was never stored: a part of the store can't be read, and it may stand there.")
	case !s.lostAt.IsZero():
		list = append(list, fmt.Sprintf("Not that it was never stored: rows were lost to a damaged file on %s, and its may be among them. "+
			"The register hears UNKNOWN_EXCEPTION for it, and Antom is asked.", s.lostAt.In(s.zone).Format("Mon 2 Jan 2006 15:04:05")))
	default:
		list = append(list, "This agent never stored it: through this agent, no money was taken or given back under it.")
	}
	return append(list, fmt.Sprintf("Ids are the whole agent's, so it is under none of its registers: %s.", strings.Join(s.registers, ", ")))
}

func (s stranger) elsewhere() []string {
	list := []string{
		"The spelling: capitals count, 0 is not O. posagent payments -id PART finds a part of an id, -amount and -since what it was about.",
		"The register's own log: which id it made, and whether an answer to it ever came.",
		"Another terminal: one that has an agent of its own has a store of its own.",
	}
	switch {
	case s.inAside != nil && s.inAside.damaged == nil:
		list = append(list, fmt.Sprintf("The damaged file that was kept, %s, has it: %s", filepath.Base(s.asideFile), s.inAside.oneLine()))
	case len(s.aside) > 0:
		list = append(list, "The damaged files that were kept: "+strings.Join(s.aside, ", ")+". What can be read of them does not have it.")
	}
	return append(list,
		"Antom's portal: search for the id, or for the amount and the time. "+s.portal(),
	)
}

// portal is what it means to find the id there.
func (s stranger) portal() string {
	if s.partial || !s.lostAt.IsZero() {
		return "What is paid there under this id may be among the rows that were lost."
	}
	return "What is paid there under this id was not paid through this agent's store."
}

// oneLine is how it stood, for a list.
func (f facts) oneLine() string {
	if f.refund != nil {
		return f.refundVerdict()
	}
	return fmt.Sprintf("%s at register %s. %s", money(f.payment.AmountMinor, f.payment.Currency), f.payment.Register, f.verdict())
}

// again is register-link §4 rule 4.
func (s stranger) again() []string {
	if s.partial || !s.lostAt.IsZero() {
		return []string{
			"Yes, the identical pay under this very id: Antom is asked about it before it is paid, so it is not charged twice.",
			"Not under a new id, before Antom's portal says that this one is not paid.",
		}
	}
	return []string{
		"Yes, the identical pay under this very id: it was never stored, and is paid once however often it is sent (register link, rule 4).",
		"A new id is right only after a final FAIL or CANCELLED.",
	}
}

func (s stranger) json() map[string]any {
	near := []recordJSON{}
	for _, r := range s.near {
		near = append(near, recordOf(r))
	}
	out := map[string]any{
		"id": s.id, "found": false, "near": near, "neverStored": s.lostAt.IsZero() && !s.partial, "aside": append([]string{}, s.aside...),
		"means": s.means(), "elsewhere": s.elsewhere(), "again": s.again(),
	}
	if !s.lostAt.IsZero() {
		out["rowsLostAt"] = s.lostAt
	}
	return out
}
