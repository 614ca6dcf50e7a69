  272 ms  A has the votes of A and B, 2 of 3: A leads term 1.
  282 ms  A: entry 1 is on the disks of A and B, 2 of 3. It is committed.

-- C is cut off for a hundred timeouts, and comes back

  372 ms  C hears nobody.
  669 ms  C has heard no leader for 342 ms. It asks first: would you vote for me in term 2?
  959 ms  C has no majority after 290 ms. It asks again: would you vote for me in term 2?
 1264 ms  C has no majority after 305 ms. It asks again: would you vote for me in term 2?
51372 ms  C is heard again. It is in the same term as the others, however often it has asked.

-- C hears nobody, and is heard: it asks without end

52228 ms  C has heard no leader for 301 ms. It asks first: would you vote for me in term 2?
52233 ms  A would not vote for C: it leads itself.
          B would not vote for C: it hears A, who leads term 1.
52594 ms  C has no majority after 366 ms. It asks again: would you vote for me in term 2?
52599 ms  A would not vote for C: it leads itself.
          B would not vote for C: it hears A, who leads term 1.
52937 ms  C has no majority after 343 ms. It asks again: would you vote for me in term 2?
52942 ms  A would not vote for C: it leads itself.
          B would not vote for C: it hears A, who leads term 1.

-- It even stands without asking first, as a server would that knows no such question

82972 ms  C asks A and B for their votes in term 6.
          A does not even answer C: it leads, and a majority follows.
          B does not even answer C: it hears a leader.
83072 ms  A leads on in term 1.

-- When the leader is really gone, C is as good as any other

83672 ms  A is killed.
83928 ms  C has heard no leader for 251 ms. It asks first: would you vote for me in term 2?
83933 ms  B would vote for C: it hears no leader either, and its log is not newer.
83938 ms  C stands in term 2: it votes for itself, and asks the others once that is on its disk.
83943 ms  B votes for C in term 2; the vote is on its disk before it is said.
83948 ms  C has the votes of B and C, 2 of 3: C leads term 2.
          C sends entry 2 (it opens term 2) to the others, and writes it to its own disk meanwhile.
83953 ms  B has entry 2 on its disk and says so.
83958 ms  C: entry 2 is on the disks of B and C, 2 of 3. It is committed.
          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)
          A is down  term 1   log  1:-                      committed up to 1
          B follows  term 2   log  1:-  2:-                 committed up to 2
          C leads    term 2   log  1:-  2:-                 committed up to 2
