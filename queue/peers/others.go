package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the same driver, the same SQLite
	"github.com/mikestefanello/backlite"
	"maragu.dev/goqite"
)

// body is what the peers carry: a payment's command, as JSON.
const body = `{"paymentRequestId":"lane1_0000000001","paymentMethod":"ALIPAY_CN","amountMinor":1050,` +
	`"currency":"SGD","merchantOrderId":"20260823-0042","merchantStoreId":"store-7"}`

// openPeer opens a peer's database at the durability of ours, with one connection,
// which is what goqite's manual advises and what is fastest for both.
func openPeer(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=EXTRA&_txlock=immediate&_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var mode string
	var level int
	err = errors.Join(db.QueryRow("pragma journal_mode").Scan(&mode), db.QueryRow("pragma synchronous").Scan(&level))
	if err == nil && (mode != "wal" || level != 3) {
		err = fmt.Errorf("%s: journal_mode %s, synchronous %d: not the durability of ours", path, mode, level)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// newGoqite returns turns that send, receive and delete a message.
func newGoqite(ctx context.Context, dir string) (func(n int) contender, func() error, error) {
	db, err := openPeer(filepath.Join(dir, "goqite.db"))
	if err != nil {
		return nil, nil, err
	}
	schema, err := goqiteSchema(ctx)
	if err == nil {
		_, err = db.ExecContext(ctx, schema)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	q := goqite.New(goqite.NewOpts{DB: db, Name: "payments"})
	one := func(ctx context.Context) error {
		if err := q.Send(ctx, goqite.Message{Body: []byte(body)}); err != nil {
			return err
		}
		m, err := q.Receive(ctx)
		if err != nil || m == nil {
			return errors.Join(err, errors.New("nothing received"))
		}
		return q.Delete(ctx, m.ID)
	}
	return func(n int) contender {
		return contender{fmt.Sprintf("goqite, %d at once", n), func(ctx context.Context, until time.Time) (int, error) {
			return atOnce(n, func(int) error { return one(ctx) }, ctx, until)
		}}
	}, db.Close, nil
}

// goqiteSchema reads the schema that goqite's users are to apply: it lies beside its
// code.
func goqiteSchema(ctx context.Context) (string, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "maragu.dev/goqite").Output()
	if err != nil {
		return "", fmt.Errorf("finding goqite's schema (run this in its folder, by go -C): %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema_sqlite.sql"))
	return string(text), err
}

// sale is backlite's task.
type sale struct {
	Body string
	Done int
}

// Config is the queue of the task.
func (sale) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "payments", MaxAttempts: 1, Timeout: time.Minute}
}

// newBacklite returns turns that add a task and have it carried out. A till goes on
// as soon as its task was carried out; that it is taken off the table is waited for
// at the end of a turn alone, which flatters backlite a little.
func newBacklite(ctx context.Context, dir string) (func(n int) contender, func() error, error) {
	db, err := openPeer(filepath.Join(dir, "backlite.db"))
	if err != nil {
		return nil, nil, err
	}
	const workers = 80 // more than tills: where none is idle its dispatcher sleeps 100 ms
	client, err := backlite.NewClient(backlite.ClientConfig{DB: db, NumWorkers: workers, ReleaseAfter: time.Hour})
	if err == nil {
		err = client.Install()
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	b := &backliteShop{client: client, db: db}
	for i := range b.done {
		b.done[i] = make(chan struct{}, 1)
	}
	client.Register(backlite.NewQueue(func(_ context.Context, t sale) error {
		b.done[t.Done] <- struct{}{}
		return nil
	}))
	ctx, cancel := context.WithCancel(ctx)
	client.Start(ctx)
	stop := func() error {
		client.Stop(ctx)
		cancel()
		return db.Close()
	}
	return b.contender, stop, nil
}

type backliteShop struct {
	client *backlite.Client
	db     *sql.DB
	done   [64]chan struct{}
}

func (b *backliteShop) contender(n int) contender {
	turn := func(ctx context.Context, until time.Time) (int, error) {
		count, err := atOnce(n, func(i int) error {
			if _, err := b.client.Add(sale{body, i}).Ctx(ctx).Save(); err != nil {
				return err
			}
			<-b.done[i]
			return nil
		}, ctx, until)
		for left := 1; left > 0 && err == nil; {
			err = b.db.QueryRowContext(ctx, "select count(*) from backlite_tasks").Scan(&left)
		}
		return count, err
	}
	return contender{fmt.Sprintf("backlite, %d at once", n), turn}
}
