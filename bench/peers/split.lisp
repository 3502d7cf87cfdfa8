;;; The chat model's split of a message class in Common Lisp. With "eager" each instance is given its class by change-class. With "lazy" the class
;;; itself is redefined, without its sender, and each instance follows when it is touched.
;;;
;;; Prints: split, whether all is right, nanoseconds of the stop, of the stop and a first pass, and the peak of resident bytes.

(defclass message () ((sender :initarg :sender :accessor sender)
                      (room :initarg :room :accessor place)
                      (text :initarg :text :accessor text)))
(defclass user-message () ((sender :accessor sender) (room :accessor place) (text :accessor text)))
(defclass info-message () ((room :accessor place) (text :accessor text)))

(defun now ()
  (multiple-value-bind (seconds microseconds) (sb-unix::get-time-of-day)
    (* 1000 (+ (* 1000000 seconds) microseconds))))

(defun peak ()
  (with-open-file (status "/proc/self/status")
    (loop for line = (read-line status)
          when (and (> (length line) 6) (string= "VmHWM" line :end2 5))
            return (* 1024 (parse-integer (remove-if-not #'digit-char-p line))))))

(defun messages (count)
  (let ((messages (make-array count)) (room (list 'room)) (sender (list 'sender)))
    (dotimes (i count messages)
      (setf (aref messages i)
            (make-instance 'message :sender (if (oddp i) sender nil) :room room :text i)))))

(defun split-eagerly (messages)
  (loop for message across messages
        do (change-class message (if (sender message) 'user-message 'info-message))))

(defun redefine ()
  (eval '(defclass message () ((room :initarg :room :accessor place) (text :initarg :text :accessor text)))))

(defun pass (messages)
  (loop for message across messages sum (text message)))

(let* ((arguments (cdr sb-ext:*posix-argv*))
       (lazy (string= "lazy" (first (last arguments 2))))
       (count (parse-integer (first (last arguments))))
       (messages (messages count)))
  (sb-ext:gc :full t)
  (let* ((start (now)))
    (if lazy (redefine) (split-eagerly messages))
    (let* ((stop (- (now) start))
           (texts (pass messages))
           (total (- (now) start))
           (right (and (= texts (/ (* count (1- count)) 2))
                       (loop for message across messages
                             for i from 0
                             always (if lazy
                                        (not (slot-exists-p message 'sender))
                                        (typep message (if (oddp i) 'user-message 'info-message)))))))
      (format t "split~c~a~c~a~c~a~c~a~%" #\Tab (if right 1 0) #\Tab stop #\Tab total #\Tab (peak)))))
