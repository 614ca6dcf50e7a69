     0  replica 0 starts in view 0
     0  replica 1 starts in view 0
     0  replica 2 starts in view 0
     0  replica 3 starts in view 0
   850  ten sessions are open
 10850  the friends had 102 answers, the others 510
 10850  replica 0 has executed 163; the others are compared with it
