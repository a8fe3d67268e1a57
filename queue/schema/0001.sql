-- Times are milliseconds since 1970, 0 where there is none; amounts are minor
-- units. The keys are the only indexes of what every sale writes: finding the few
-- open rows is one scan at start, and every further index would cost each sale a
-- page of flash. crc is over all other columns of a row.

-- A payment, from the register's command to the stored outcome.
create table payment (
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

    check ((state in ('paid', 'failed', 'cancelled')) = (ended_seq > 0)),
    check (state != 'received' or open_attempts = 0),
    check (in_doubt = 0 or state = 'unresolved'),
    check (reversal = '' or (state = 'paid' and abort_at != 0)),
    check (delivered = 0 or ended_seq > 0)
) strict, without rowid;

-- Money to be given back: what a register asked for, or the undoing of a payment
-- whose abort came too late.
create table refund (
    id                 text    primary key not null check (length(id) between 1 and 64),
    payment_request_id text    not null,
    payment_id         text    not null,
    register           text    not null,
    amount_minor       integer not null check (amount_minor between 1 and 2147483647),
    currency           text    not null check (length(currency) = 3),
    everything         integer not null check (everything in (0, 1)),
    memo               text    not null,
    reversal           integer not null check (reversal in (0, 1)),

    state              text    not null check (state in ('waiting', 'sending', 'asking', 'refunded', 'refused')),
    rev                integer not null check (rev >= 1),
    received_at        integer not null,

    attempts           integer not null check (attempts >= 0),
    open_attempts      integer not null check (open_attempts between 0 and attempts),
    quiet_from         integer not null,
    inquiries          integer not null check (inquiries >= 0),
    next               text    not null check (next in ('', 'refund', 'inquire_refund')),
    due                integer not null,

    refund_id          text    not null,
    refund_time        text    not null,
    result_status      text    not null check (result_status in ('', 'S', 'F', 'U')),
    result_code        text    not null,
    result_message     text    not null,

    ended_at           integer not null,
    ended_seq          integer not null,
    delivered          integer not null check (delivered between 0 and rev),
    crc                integer not null,

    check ((state in ('refunded', 'refused')) = (ended_seq > 0)),
    check (delivered = 0 or ended_seq > 0)
) strict, without rowid;

create index refund_payment on refund (payment_request_id);

-- The story of every payment and refund, a line an event, in the commits of the
-- rows that it explains.
create table event (
    id   text    not null,
    n    integer not null,
    at   integer not null,
    kind text    not null,
    text text    not null,
    primary key (id, n)
) strict, without rowid;

-- IDs that were aborted before they were ever paid: they never will be.
create table aborted (
    id       text    primary key not null check (length(id) between 1 and 64),
    register text    not null,
    at       integer not null
) strict, without rowid;

-- Single numbers: how often a commit was made only to bury a failed one; when
-- rows were last lost to a damaged file (0: never); in which boot of the box the
-- store was last opened.
create table fact (
    name  text    primary key not null,
    value integer not null
) strict, without rowid;
insert into fact (name, value) values ('burials', 0), ('rows_lost_at', 0), ('boot', 0);
