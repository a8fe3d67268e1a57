package main

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"posagent/antom"
	"posagent/config"
	"posagent/queue"
)

// adoptTime is how long the worker may take to come round to new terms.
const adoptTime = 10 * time.Second

// reload reads the configuration and its keys anew. Where anything is wrong with
// them the one before stays in force, whole; else what can change does.
func (a *agent) reload(ctx context.Context, because string) {
	a.around.systemd.reloading()
	defer func() { a.around.systemd.tell("READY=1", a.statusLine()) }()
	next, client, err := a.next()
	a.watch.read(next)
	var kept []string
	if err == nil {
		next, kept, err = a.adopt(ctx, next, client)
	}
	if err != nil {
		a.log.Error("the configuration is not taken, the one before stays in force; posagent check says the same of the file",
			"because", because, "faults", inOneLine(err))
		return
	}
	changed := differences(a.s, next)
	wasListening := a.s.Status.Listen
	if !a.s.sameAntom(next) {
		a.beside.Go(func() { a.warm(ctx) }) // what is wrong with new keys is said now, and not at the next sale
	}
	a.s = next
	a.methods.Store(&next.Payments.Methods)
	if a.around.logs != nil {
		a.around.logs.set(next.Log)
	}
	changed = append(changed, a.relink(ctx)...)
	a.relisten(ctx, wasListening)
	a.show()
	for _, what := range kept {
		a.log.Warn(what)
	}
	a.log.Info("the configuration is taken", "because", because, "changed", cmp.Or(strings.Join(changed, ", "), "nothing"))
	a.sayRemarks()
}

// next is the configuration as it stands now, and a client for it, or everything
// that would keep run from starting with it.
func (a *agent) next() (settings, *antom.Client, error) {
	next, err := loadSettings(a.s.file)
	if err != nil {
		return next, nil, err
	}
	client, err := a.acquirer.client().Renew(a.around.clientOptions(next))
	return next, client, err
}

// adopt gives the worker its terms and the calls their client. It returns what is
// in force then, and what of next is not.
//
// The gateway knows the payments that were sent to it; another would say of them
// that they are not found, which in time means not paid. So where Antom is, and who
// we are there, change only while nothing is open.
func (a *agent) adopt(ctx context.Context, next settings, client *antom.Client) (now settings, kept []string, err error) {
	if next.Store.Path != a.s.Store.Path {
		kept = append(kept, "store.path changes only at a restart; the store is still "+a.s.Store.Path)
		next.Store = a.s.Store
	}
	was, moves, other := a.s, next.movesFrom(a.s), !a.s.sameAntom(next)
	var open atomic.Int64
	var late atomic.Bool // the worker came round when nobody waited for it any more
	var unnoted atomic.Pointer[error]
	waiting, cancel := context.WithTimeout(ctx, adoptTime)
	defer cancel()
	err = a.worker.Adopt(waiting, func(n int) queue.Terms {
		open.Store(int64(n))
		switch {
		case late.Load():
			return terms(was)
		case moves && n > 0:
			return terms(next.withAntomOf(was))
		case moves:
			// Nothing is open, so a commit that takes long keeps nobody waiting.
			if _, err := a.store.SendTo(ctx, next.acquirerName()); err != nil {
				unnoted.Store(&err)
				return terms(was)
			}
		}
		if other {
			a.acquirer.renew(client)
		}
		return terms(next)
	})
	if failed := unnoted.Load(); err == nil && failed != nil {
		err = *failed
	}
	if err != nil {
		late.Store(true)
		return was, nil, fmt.Errorf("the worker did not take it on: %w", err)
	}
	if moves && open.Load() > 0 {
		kept = append(kept, "[antom] changes its base_url or client_id only while nothing is open, for another gateway does not know "+
			"what this one was sent, and "+fmt.Sprint(open.Load())+" payments or refunds are open; all of [antom] stays as it was: "+
			"reload (SIGHUP) once posagent status shows none; after a restart these are asked about there, and never sent there")
		next = next.withAntomOf(was)
	}
	return next, kept, nil
}

// relisten moves the status socket where the configuration wants it, and tries
// again where there is none.
func (a *agent) relisten(ctx context.Context, was string) {
	if a.s.Status.Listen == was && a.status != nil {
		return
	}
	a.status.close()
	a.status = a.openStatus(ctx, a.s.Status.Listen)
}

// movesFrom reports whether Antom is elsewhere, or knows us by another name.
func (s settings) movesFrom(was settings) bool {
	return s.Antom.BaseURL != was.Antom.BaseURL || s.Antom.ClientID != was.Antom.ClientID
}

// sameAntom reports whether calls would be made in the same way, by the same keys.
func (s settings) sameAntom(other settings) bool {
	return reflect.DeepEqual(s.Antom, other.Antom) && s.privateKey.Public().Equal(other.privateKey.Public()) &&
		slices.EqualFunc(s.antomKeys, other.antomKeys, func(x, y *rsa.PublicKey) bool { return x.Equal(y) }) &&
		(s.roots == other.roots || s.roots != nil && other.roots != nil && s.roots.Equal(other.roots))
}

// withAntomOf is s with another's way to Antom.
func (s settings) withAntomOf(other settings) settings {
	s.Antom, s.privateKey, s.antomKeys, s.roots = other.Antom, other.privateKey, other.antomKeys, other.roots
	return s
}

// differences names the tables that changed. Registers speak for themselves.
func differences(was, now settings) (list []string) {
	for _, part := range []struct {
		name string
		same bool
	}{
		{"antom", was.sameAntom(now)},
		{"payments", reflect.DeepEqual(was.Payments, now.Payments)},
		{"status", was.Status == now.Status},
		{"log", was.Log == now.Log},
	} {
		if !part.same {
			list = append(list, part.name)
		}
	}
	return list
}

// inOneLine is an error for a log: a configuration's faults with their lines, and
// without the file's name before each.
func inOneLine(err error) string {
	var faults *config.Faults
	if errors.As(err, &faults) {
		return strings.ReplaceAll(faults.Error(), "\n", "; ")
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
