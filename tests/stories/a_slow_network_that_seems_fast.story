     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
   850  ten sessions are open
  2750  replica 0 wants view 1
  2750  replica 1 wants view 1
  2750  replica 2 wants view 1
  2750  replica 3 wants view 1
  2750  the friends had 20 answers, the others 96
  2750  replica 0 has executed 38; the others are compared with it
