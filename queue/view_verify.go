package queue

import "context"

// Verified is what came of reading every row.
type Verified struct {
	Rows    int
	Damaged []Damage
	Partial bool // a part of the store can't be read at all
}

// Verify reads every payment and refund and compares its CRC. That takes a while on
// a big store: progress, where it is not nil, is told how many rows were read so far.
func (v *View) Verify(ctx context.Context, progress func(rows int)) (Verified, error) {
	return look(v, func(r reader) (out Verified, err error) {
		payments, err := verifyTable(ctx, r, "payment", scanPayment, selectPayment, &out, progress, func(p Payment) string { return p.ID })
		if err != nil {
			return out, err
		}
		refunds, err := verifyTable(ctx, r, "refund", scanRefund, selectRefund, &out, progress, func(r Refund) string { return r.ID })
		out.Partial = !payments || !refunds
		return out, err
	})
}

func verifyTable[R any](ctx context.Context, r reader, table string, scan func(scanner) (R, error), query func(string) string,
	out *Verified, progress func(int), id func(R) string) (whole bool, err error) {
	return r.walk(ctx, table, func(p piece) error {
		rows, err := rowsOf(ctx, r.read, believe(scan), query("where id > ? and id <= ?"), p.after, p.upTo)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.err != nil {
				out.Damaged = append(out.Damaged, Damage{id(row.row), table == "refund", row.err})
			}
		}
		out.Rows += len(rows)
		if progress != nil {
			progress(out.Rows)
		}
		return nil
	})
}
