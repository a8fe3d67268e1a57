package queue

import (
	"context"
	"database/sql"
)

// pieceRows is how many rows of a table are read under one lock. An agent that
// starts waits for readers, and not for ever: a table that takes a slow disk a
// minute must not be read in one go.
const pieceRows = 1000

// piece is the part of a table with after < id ≤ upTo.
type piece struct{ after, upTo string }

// walk calls read with every piece of a table, in the order of the ids. Where a page
// can't be read the pieces get smaller, and at the row that stops it the walk begins
// anew from the table's other end; whole is false then, for what lies between is not
// seen. An error of read that is damage is a page that can't be read; what a call
// with an error has seen is to be forgotten.
func (r reader) walk(ctx context.Context, table string, read func(piece) error) (whole bool, err error) {
	from, err := r.walkUp(ctx, table, read)
	if err == nil {
		return true, nil
	}
	if !isDamage(err) {
		return false, err
	}
	return false, r.walkDown(ctx, table, from, read)
}

// walkUp returns how far it came.
func (r reader) walkUp(ctx context.Context, table string, read func(piece) error) (after string, err error) {
	for rows := pieceRows; ; {
		upTo, err := r.bound(ctx, "select id from "+table+" where id > ? order by id limit 1 offset ?",
			"select (select id from "+table+" where id > ? order by id desc limit 1)", after, rows-1)
		if err == nil && upTo == "" {
			return after, nil
		}
		if err == nil {
			err = read(piece{after, upTo})
		}
		switch {
		case err == nil:
			after = upTo
		case rows == 1 || !isDamage(err):
			return after, err
		default:
			rows /= 10
		}
	}
}

// walkDown comes from the table's end as near to from as it can.
func (r reader) walkDown(ctx context.Context, table, from string, read func(piece) error) error {
	upTo, err := r.bound(ctx, "select (select id from "+table+" order by id desc limit 1)", "")
	for rows := pieceRows; err == nil && upTo > from; {
		after, err := r.bound(ctx, "select id from "+table+" where id < ? order by id desc limit 1 offset ?", "", upTo, rows-1)
		if err == nil {
			err = read(piece{max(after, from), upTo})
		}
		switch {
		case err == nil:
			upTo = max(after, from)
		case !isDamage(err):
			return err
		case rows == 1:
			return nil
		default:
			rows /= 10
		}
	}
	if isDamage(err) {
		return nil
	}
	return err
}

// bound reads an id, or "" where there is none; last is asked, with the first of the
// arguments, where query finds none.
func (r reader) bound(ctx context.Context, query, last string, args ...any) (string, error) {
	id := func(row scanner) (string, error) {
		var id sql.NullString
		err := row.Scan(&id)
		return id.String, err
	}
	found, err := rowOf(ctx, r.read, id, query, args...)
	if err == ErrNotFound { //nolint:errorlint // rowOf returns it bare
		if last == "" {
			return "", nil
		}
		return rowOf(ctx, r.read, id, last, args[0])
	}
	return found, err
}
