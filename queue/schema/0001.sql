-- A payment, from the register's command to the stored outcome. Times are
-- milliseconds since 1970, 0 where there is none; amounts are minor units.
-- The key is the only index: finding the few open rows is one scan at start, and
-- every further index would cost each sale a page of flash.
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
    rev               integer not null check (rev >= 1),
    received_at       integer not null,
    deadline          integer not null,
    attempts          integer not null check (attempts >= 1),
    open_attempts     integer not null check (open_attempts between 0 and attempts),
    quiet_from        integer not null,
    pay_no_more       integer not null check (pay_no_more in (0, 1)),
    inquiries         integer not null check (inquiries >= 0),
    next              text    not null check (next in ('', 'pay', 'inquire')),
    due               integer not null,

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

    check ((state in ('paid', 'failed', 'cancelled')) = (ended_seq > 0)),
    check (state != 'received' or open_attempts = 0),
    check (delivered = 0 or ended_seq > 0)
) strict, without rowid;

-- How often a commit was made only to bury a failed one.
create table burial (
    commits integer not null
) strict;
insert into burial (commits) values (0);
