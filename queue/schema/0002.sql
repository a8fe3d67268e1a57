-- What is at hand and what is put away lie apart. A sale writes one page twice, that
-- of its row at hand, its story in it. Rows that are closed are put away some at a
-- time, so that the pages of the large tables, and the keys that find their rows
-- again, cost a sale a fraction of a page. A start reads what is at hand alone.
alter table payment rename to payment_closed;

-- Every payment that is open, being undone or not delivered, and the newest of the
-- others, with their stories.
create table payment_open (
    id                text    primary key not null check (length(id) between 1 and 64),
    register          text    not null,
    method            text    not null,
    amount_minor      integer not null check (amount_minor between 1 and 2147483647),
    currency          text    not null check (length(currency) = 3),
    merchant_order_id text    not null,
    merchant_store_id text    not null,
    extend_info       text    not null,

    state             text    not null check (state in ('received', 'sending', 'unresolved', 'paid', 'failed', 'cancelled')),
    in_doubt          integer not null check (in_doubt in (0, 1)),
    abort_at          integer not null,
    reversal          text    not null check (reversal in ('', 'PENDING', 'SUCCESS', 'FAILED')),
    rev               integer not null check (rev >= 1),
    received_at       integer not null,
    deadline          integer not null,

    attempts          integer not null check (attempts >= 1),
    open_attempts     integer not null check (open_attempts between 0 and attempts),
    quiet_from        integer not null,
    inquiries         integer not null check (inquiries >= 0),
    next              text    not null check (next in ('', 'pay', 'inquire')),
    due               integer not null,
    pay_no_more       integer not null check (pay_no_more in (0, 1)),

    pending           integer not null check (pending in (0, 1)),
    payment_id        text    not null,
    payment_time      text    not null,
    cashier_receipt   text    not null,
    customer_receipt  text    not null,
    result_status     text    not null check (result_status in ('', 'S', 'F', 'U')),
    result_code       text    not null,
    result_message    text    not null,

    ended_at          integer not null,
    ended_seq         integer not null,
    delivered         integer not null check (delivered between 0 and rev),
    crc               integer not null,
    story             text    not null,

    check ((state in ('paid', 'failed', 'cancelled')) = (ended_seq > 0)),
    check (state != 'received' or open_attempts = 0),
    check (in_doubt = 0 or state = 'unresolved'),
    check (reversal = '' or (state = 'paid' and abort_at != 0)),
    check (delivered = 0 or ended_seq > 0)
) strict, without rowid;

-- All payments, wherever they lie.
create view payment as
    select id, register, method, amount_minor, currency, merchant_order_id, merchant_store_id,
    extend_info, state, in_doubt, abort_at, reversal, rev, received_at, deadline,
    attempts, open_attempts, quiet_from, inquiries, next, due, pay_no_more,
    pending, payment_id, payment_time, cashier_receipt, customer_receipt,
    result_status, result_code, result_message, ended_at, ended_seq, delivered, crc from payment_open
    union all
    select id, register, method, amount_minor, currency, merchant_order_id, merchant_store_id,
    extend_info, state, in_doubt, abort_at, reversal, rev, received_at, deadline,
    attempts, open_attempts, quiet_from, inquiries, next, due, pay_no_more,
    pending, payment_id, payment_time, cashier_receipt, customer_receipt,
    result_status, result_code, result_message, ended_at, ended_seq, delivered, crc from payment_closed;

-- The stories of the payments put away. Those of refunds, and of payments from
-- before there was this table, are in event.
create table story (
    id   text primary key not null,
    text text not null
) strict, without rowid;

-- Which payment has an acquirer's paymentId, of the paid ones put away, in the order
-- in which they were.
create table acquirer_id (
    n          integer primary key,
    payment_id text not null,
    id         text not null
) strict;
create index acquirer_id_payment on acquirer_id (payment_id);
insert into acquirer_id (payment_id, id)
    select payment_id, id from payment_closed where payment_id != '' and state = 'paid' order by ended_seq;

-- What of a register's ended last, of the payments put away.
create table last_ended (
    register text    primary key not null,
    id       text    not null,
    seq      integer not null
) strict, without rowid;
insert into last_ended (register, id, seq)
    select register, id, max(ended_seq) from payment_closed where ended_seq > 0 group by register;

-- Refunds are few: what a start asks about them may have its indexes.
create index refund_open on refund (received_at) where ended_seq = 0 or (delivered != rev and reversal = 0);
create index refund_ended on refund (register, reversal, ended_seq);
