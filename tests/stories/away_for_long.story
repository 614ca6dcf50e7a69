     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
    50  the client puts a
    55  a is done, at sequence 2
   100  replica 3 is killed
   500  the other three have executed 42
   500  replica 3 starts in view 0
   565  replica 3 says: the state is being fetched from the others
   585  replica 3 says: all is well
  3500  replica 3 has fetched 1 states
  3500  the client puts b
  3505  b is done, at sequence 43
  3600  replica 0 has executed 43; the others are compared with it
