     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
    50  the client puts a
    55  a is done, at sequence 2
   100  replica 3 falls silent
   100  the client puts b
   105  b is done, at sequence 3
   150  the client puts b
   155  b is done, at sequence 4
   200  the client puts b
   205  b is done, at sequence 5
   250  replica 3 is heard again
   750  replica 0 has executed 5; the others are compared with it
