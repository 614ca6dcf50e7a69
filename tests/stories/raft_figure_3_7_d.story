
-- (a) A leads; x reaches B and nobody else

  272 ms  A has the votes of A, B and C, 3 of 5: A leads term 1.
  282 ms  A: entry 1 is on the disks of A, B and C, 3 of 5. It is committed.
  372 ms  C, D and E hear nothing of A and B any more.
          A client asks A for x.
          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)
          A leads    term 1   log  1:-  1:x                 committed up to 1
          B follows  term 1   log  1:-  1:x                 committed up to 1
          C follows  term 1   log  1:-                      committed up to 1
          D follows  term 1   log  1:-                      committed up to 1
          E follows  term 1   log  1:-                      committed up to 1

-- (b) A dies; E leads with the votes of C and D, and dies when its first entry is on its own disk alone

  392 ms  A is killed.
  664 ms  E has the votes of C, D and E, 3 of 5: E leads term 2.
          E is cut off, with what it was about to send.
          E is killed.
          A is down  term 1   log  1:-  1:x                 committed up to 1
          B follows  term 1   log  1:-  1:x                 committed up to 1
          C follows  term 2   log  1:-                      committed up to 1
          D follows  term 2   log  1:-                      committed up to 1
          E is down  term 2   log  1:-  2:-                 committed up to 1

-- (c) A comes back and leads again; x reaches C

  664 ms  A starts again, with what is on its disk.
          A, B, C and D hear one another.
  986 ms  A has the votes of A, B and C, 3 of 5: A leads term 3.
          From here on the disks of B, C and D are slow.
 1016 ms  C's disk has written x, and nothing behind it.
 1116 ms  A knows that x is on three disks of five. It does not commit it: x is of term 1, and A
            leads term 3.
          A leads    term 3   log  1:-  1:x  3:-            committed up to 1
          B follows  term 3   log  1:-  1:x  3:-~           committed up to 1
          C follows  term 3   log  1:-  1:x  3:-~           committed up to 1
          D follows  term 3   log  1:-  1:x~  3:-~          committed up to 1
          E is down  term 2   log  1:-  2:-                 committed up to 1

-- (d) The power fails everywhere, and E, whose last entry is of a higher term, is elected: x goes

 1116 ms  A is killed.
          B is killed.
          C is killed.
          D is killed.
          The network is whole.
          B starts again, with what is on its disk.
          C starts again, with what is on its disk.
          D starts again, with what is on its disk.
          E starts again, with what is on its disk.
 1438 ms  E has the votes of B, C and E, 3 of 5: E leads term 4.
 1443 ms  B's log does not go on where E thinks: it says where they part.
          C's log does not go on where E thinks: it says where they part.
          D's log does not go on where E thinks: it says where they part.
 1453 ms  B takes entry 2 out of its log: it was never committed, and the leader has another there.
          B has entry 2 on its disk and says so.
          C takes entry 2 out of its log: it was never committed, and the leader has another there.
          C has entry 2 on its disk and says so.
          D has entry 2 on its disk and says so.
 1458 ms  E: entry 2 is on the disks of B, C and E, 3 of 5. It is committed.
 1538 ms  A starts again, with what is on its disk.
 1543 ms  A's log does not go on where E thinks: it says where they part.
          A's log does not go on where E thinks: it says where they part.
 1553 ms  A takes entry 2 out of its log: it was never committed, and the leader has another there.
          A follows  term 4   log  1:-  4:-                 committed up to 2
          B follows  term 4   log  1:-  4:-                 committed up to 2
          C follows  term 4   log  1:-  4:-                 committed up to 2
          D follows  term 4   log  1:-  4:-                 committed up to 2
          E leads    term 4   log  1:-  4:-                 committed up to 2
