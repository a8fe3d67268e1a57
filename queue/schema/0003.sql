-- The checks of columns with a few words, said with "or". SQLite builds a table in
-- memory for every list of more than two, anew for every row that is written: five of
-- them cost more than the row. The rows stay as they are, so only the tables' texts
-- change, as SQLite's manual has it for such a change ("ALTER TABLE", "Making Other
-- Kinds Of Table Schema Changes").
pragma writable_schema = on;
update sqlite_schema set sql = replace(replace(replace(replace(replace(sql,
    'state in (''received'', ''sending'', ''unresolved'', ''paid'', ''failed'', ''cancelled'')',
    'state = ''received'' or state = ''sending'' or state = ''unresolved'' or state = ''paid'' or state = ''failed'' or state = ''cancelled'''),
    'reversal in ('''', ''PENDING'', ''SUCCESS'', ''FAILED'')',
    'reversal = '''' or reversal = ''PENDING'' or reversal = ''SUCCESS'' or reversal = ''FAILED'''),
    'next in ('''', ''pay'', ''inquire'')',
    'next = '''' or next = ''pay'' or next = ''inquire'''),
    'result_status in ('''', ''S'', ''F'', ''U'')',
    'result_status = '''' or result_status = ''S'' or result_status = ''F'' or result_status = ''U'''),
    '(state in (''paid'', ''failed'', ''cancelled''))',
    '(state = ''paid'' or state = ''failed'' or state = ''cancelled'')')
    where type = 'table' and name in ('payment_open', 'payment_closed');
update sqlite_schema set sql = replace(replace(replace(sql,
    'state in (''waiting'', ''sending'', ''asking'', ''refunded'', ''refused'')',
    'state = ''waiting'' or state = ''sending'' or state = ''asking'' or state = ''refunded'' or state = ''refused'''),
    'next in ('''', ''refund'', ''inquire_refund'')',
    'next = '''' or next = ''refund'' or next = ''inquire_refund'''),
    'result_status in ('''', ''S'', ''F'', ''U'')',
    'result_status = '''' or result_status = ''S'' or result_status = ''F'' or result_status = ''U''')
    where type = 'table' and name = 'refund';
-- Every connection reads the tables' texts anew where their number has changed.
create table reread (n integer);
drop table reread;
pragma writable_schema = reset;
